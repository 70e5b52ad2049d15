# SPDX-License-Identifier: Apache-2.0
"""ringtail tap: live output, with and without an agent."""

import json
import signal
import time

from lib.scenario import Scenario

LOOP = "i=0; while :; do i=$((i+1)); echo out $i; echo err $i >&2; sleep 0.05; done"


class Tap(Scenario):
    def numbers(self, text, word):
        return [int(line.rsplit(" ", 1)[1]) for line in text.decode().splitlines() if f"{word} " in line]

    def assert_runs_on(self, numbers):
        self.assertGreater(len(numbers), 3)
        self.assertEqual(numbers, list(range(numbers[0], numbers[0] + len(numbers))))

    def test_it_shows_a_running_container_live_without_an_agent(self):
        container = self.shell(LOOP).wait_started()
        tap = self.tap(f"{container.pod.name}/app", "-n", "shop")
        tap.wait_for_text("out ", "stdout")
        time.sleep(0.5)
        tap.signal(signal.SIGINT)
        self.assertIn(tap.wait(10), (0, 130))
        self.assert_runs_on(self.numbers(tap.stdout, "out"))
        self.assert_runs_on(self.numbers(tap.stdout, "err"))
        self.assertRegex(tap.stdout, rb"^(out|err) \d+\n")

    def test_it_works_beside_an_agent_and_takes_nothing_from_it(self):
        self.agent()
        container = self.shell("for i in $(seq 100); do echo line $i; sleep 0.02; done", delay_ms=0)
        tap = self.tap(container.pod.name)
        container.wait()
        time.sleep(0.5)
        tap.end()
        self.assertGreater(len(self.numbers(tap.stdout, "line")), 3)
        self.assert_whole(container)

    def test_with_several_containers_each_line_is_prefixed(self):
        pod = self.pod("pair")
        first = self.shell("while :; do echo left; sleep 0.05; done", pod=pod, name="one").wait_started()
        second = self.shell("while :; do echo right; sleep 0.05; done", pod=pod, name="two").wait_started()
        tap = self.tap("pai*")
        tap.wait_for_text("one left\n", "stdout")
        tap.wait_for_text("two right\n", "stdout")
        tap.end()
        self.assertEqual(set(tap.stdout.split(b"\n")[:-1]), {b"shop/pair/one left", b"shop/pair/two right"})
        first.stop()
        second.stop()

    def test_filters_choose_namespace_stream_and_cgroup(self):
        shown = self.shell(LOOP, pod=self.pod(namespace="shop")).wait_started()
        hidden = self.shell("while :; do echo hidden; echo hidden >&2; sleep 0.05; done",
                            pod=self.pod(namespace="other")).wait_started()
        for arguments in (["-n", "shop"], ["--stream", "stderr", "-n", "shop"], ["--cgroup", shown.cgroup]):
            with self.subTest(arguments=arguments):
                tap = self.tap(*arguments, "--max-lines", "8")
                self.assertEqual(tap.wait(10), 0, tap.describe())
                self.assertEqual(len(tap.stdout.splitlines()), 8)
                self.assertNotIn(b"hidden", tap.stdout)
                self.assertEqual(b"out" in tap.stdout, "--stream" not in arguments)
        shown.stop()
        hidden.stop()

    def test_json_is_the_container_event(self):
        container = self.shell(LOOP).wait_started()
        tap = self.tap(container.pod.name, "-o", "json", "--max-lines", "5")
        self.assertEqual(tap.wait(10), 0, tap.describe())
        self.assertEqual(len(tap.stdout.splitlines()), 5)
        for line in tap.stdout.splitlines():
            record = json.loads(line)
            self.assertEqual(list(record)[:4], ["time", "stream", "log", "kubernetes"])
            self.assertEqual(record["kubernetes"]["pod_name"], container.pod.name)
            self.assertEqual(record["kubernetes"]["docker_id"], container.id)
        container.stop()

    def test_raw_is_the_bytes_as_written(self):
        tap = self.tap("raw-pod", "-o", "raw", "--duration", "6s")
        tap.wait_for_text("nothing matches", timeout=8)
        container = self.writer("text", 1, "a\\r\\n\\0\\n  no newline", pod=self.pod("raw-pod"))
        container.wait()
        self.assertEqual(tap.wait(15), 0)
        self.assertEqual(tap.stdout, b"a\r\n\0\n  no newline")

    def test_it_says_that_nothing_matches_yet_and_shows_what_comes_later_from_its_first_line(self):
        tap = self.tap("late-pod")
        tap.wait_for_text("nothing matches", timeout=8)
        container = self.shell("echo first; echo second; sleep 60", pod=self.pod("late-pod"))
        tap.wait_for_text("second", "stdout", timeout=5)
        self.assertEqual([line.split()[-1] for line in tap.stdout.splitlines()], [b"first", b"second"])
        container.stop()

    def test_it_ends_by_itself_after_its_duration(self):
        begin = time.monotonic()
        tap = self.tap("--duration", "1s")
        self.assertEqual(tap.wait(10), 0)
        self.assertTrue(0.9 < time.monotonic() - begin < 5)

    def test_a_pod_that_is_excluded_is_an_error_that_names_the_rule(self):
        container = self.shell("sleep 20", pod=self.pod("hidden", "secret")).wait_started()
        tap = self.tap("hidden", "--namespaces-exclude=secret")
        self.assertEqual(tap.wait(10), 1, tap.describe())
        self.assertIn("namespaces.exclude", tap.stderr)
        container.stop()
