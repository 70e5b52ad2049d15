# SPDX-License-Identifier: Apache-2.0
"""How the agent ends, and that there is one at a time."""

import signal
import time

from lib.agent import Agent
from lib.scenario import Scenario


class Shutdown(Scenario):
    def test_sigterm_delivers_what_is_in_flight_and_exits_0(self):
        agent = self.agent({"cloudwatch.flush_interval": "30s"})
        container = self.shell("seq 2000; printf 'unfinished'; sleep 60").wait_started()
        self.eventually(lambda: container.raw().endswith(b"unfinished"), "the container wrote")
        time.sleep(0.3)
        agent.stop(status=0)
        self.assertEqual(self.logs(container)[:2000], [str(number) for number in range(1, 2001)])

    def test_sigint_ends_it_as_well(self):
        agent = self.agent()
        agent.signal(signal.SIGINT)
        self.assertEqual(agent.wait(), 0)

    def test_undelivered_lines_hold_the_end_up_no_longer_than_shutdown_timeout(self):
        self.cloudwatch.fault(action="hang_before", operation="PutLogEvents", seconds=30)
        agent = self.agent({"shutdown_timeout": "2s"})
        container = self.shell("echo stuck")
        container.wait()
        time.sleep(1)
        begin = time.monotonic()
        agent.stop(status=0)
        self.assertTrue(time.monotonic() - begin < 5, time.monotonic() - begin)

    def test_a_second_signal_exits_at_once_with_1(self):
        self.cloudwatch.fault(action="hang_before", operation="PutLogEvents", seconds=30)
        agent = self.agent()
        self.shell("echo stuck").wait()
        time.sleep(1)
        agent.signal(signal.SIGTERM)
        time.sleep(0.3)
        self.assertIsNone(agent.process.poll())
        agent.signal(signal.SIGTERM)
        self.assertEqual(agent.wait(2), 1)

    def test_a_second_agent_on_the_same_state_dir_exits_1_and_names_the_first(self):
        first = self.agent()
        second = Agent(self.runtime, self.kubelet, self.cloudwatch,
                       {"state_dir": first.settings["state_dir"]}, wait=False)
        self.addCleanup(second.end)
        self.assertEqual(second.wait(10), 1)
        self.assertIn(str(first.pid), second.stderr)
        self.assertIsNone(first.process.poll())
        container = self.shell("echo still here")
        self.wait_for_logs(container, ["still here"])

    def test_the_lock_goes_with_the_agent_even_when_it_is_killed(self):
        first = self.agent()
        first.process.kill()
        first.process.wait()
        self.agent({"state_dir": first.settings["state_dir"]})
        container = self.shell("echo after")
        self.wait_for_logs(container, ["after"])
