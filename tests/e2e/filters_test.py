# SPDX-License-Identifier: Apache-2.0
"""What is excluded sends nothing, by name or by the pod's own wish."""

import time

from lib.scenario import Scenario


class Filters(Scenario):
    def assert_filtered(self, shown, hidden):
        for container in shown:
            self.wait_for_logs(container, ["a", "b"])
        time.sleep(1)
        for container in hidden:
            self.assertEqual(self.messages(container), [])
        self.assertEqual(self.cloudwatch.count(), 2 * len(shown))

    def two_lines(self, **options):
        return self.shell("echo a; sleep 1.5; echo b", **options)

    def test_an_excluded_namespace_sends_nothing(self):
        self.agent({"namespaces.exclude": "kube-*,secret"})
        hidden = [self.two_lines(pod=self.pod(namespace=name)) for name in ("kube-system", "secret")]
        shown = [self.two_lines(pod=self.pod(namespace=name)) for name in ("shop", "my-kube-system")]
        self.assert_filtered(shown, hidden)

    def test_only_included_containers_are_sent(self):
        self.agent({"containers.include": "app*", "containers.exclude": "app-proxy"})
        pod = self.pod()
        shown = [self.two_lines(pod=pod, name=name) for name in ("app", "app-two")]
        hidden = [self.two_lines(pod=pod, name=name) for name in ("app-proxy", "istio")]
        self.assert_filtered(shown, hidden)

    def test_a_pod_that_asks_to_be_left_out_sends_nothing(self):
        self.agent()
        hidden = [self.two_lines(pod=self.pod(annotations={key: "true"}))
                  for key in ("ringtail.io/exclude", "fluentbit.io/exclude")]
        pod = self.pod(annotations={"ringtail.io/exclude.sidecar": "true"})
        hidden.append(self.two_lines(pod=pod, name="sidecar"))
        self.assert_filtered([self.two_lines(pod=pod)], hidden)
