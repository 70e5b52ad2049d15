# SPDX-License-Identifier: Apache-2.0
"""Wrong usage, wrong configuration, a machine that lacks something: exit status and one line that helps."""

import os
import shutil
import tempfile
import unittest

from lib import paths
from lib.agent import ringtail


class Usage(unittest.TestCase):
    def setUp(self):
        self.directory = self.enterContext(tempfile.TemporaryDirectory(prefix="e2e-"))
        os.chmod(self.directory, 0o755)

    def config(self, text):
        path = os.path.join(self.directory, "ringtail.yaml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def refused(self, status, mentions, *arguments, **options):
        command = ringtail(*arguments, **options)
        self.assertEqual(command.process.returncode, status, command.describe())
        self.assertEqual(command.stderr.count("\n"), 1, f"not one line: {command.stderr!r}")
        for word in mentions:
            self.assertIn(word, command.stderr)
        self.assertEqual(command.stdout, b"")

    def test_a_wrong_file_is_2_and_names_key_file_and_line(self):
        for text, mentions in (("cluster: c\nnosuch: 1\n", ["nosuch", ":2"]),
                               ("cluster: c\ncontainers:\n  grup: x\n", ["containers.grup", ":3"]),
                               ("cluster: c\ncloudwatch:\n  auto_create: 17\n", ["cloudwatch.auto_create", ":3"]),
                               ("cluster: c\nlimits: {line: 10}\n", ["limits.line", ":2"]),
                               ("cluster: c\nlimits: 7\n", ["limits", ":2"]),
                               ("cluster: c\nshutdown_timeout: 20\n", ["shutdown_timeout", ":2"]),
                               ("cluster: c\ncluster: d\n", ["cluster", ":2"]),
                               ("cluster: [\n", ["ringtail.yaml"]),
                               ("cluster: c\ncontainers: {group: '${nosuch}'}\n", ["nosuch", ":2"])):
            with self.subTest(text=text):
                self.refused(2, ["ringtail.yaml", *mentions], "agent", "-c", self.config(text))

    def test_a_wrong_flag_or_variable_is_2_and_names_it(self):
        for arguments, mention in ((["--nosuch=1"], "--nosuch"), (["--shutdown-timeout=5"], "shutdown"),
                                   (["--journal-enabled=perhaps"], "journal"), (["--limits-memory=lots"], "limits"),
                                   (["--region"], "region"), (["surplus"], "surplus")):
            with self.subTest(arguments=arguments):
                self.refused(2, [mention], "agent", "--cluster=c", *arguments)
        self.refused(2, ["RINGTAIL_LIMITS_LINE"], "agent", "--cluster=c", environment={"RINGTAIL_LIMITS_LINE": "x"})

    def test_a_missing_cluster_is_2_and_says_how_to_give_it(self):
        self.refused(2, ["cluster"], "agent", environment={"AWS_REGION": "eu-west-1"})

    def test_an_unreadable_file_is_2(self):
        self.refused(2, ["/no/such/file.yaml"], "agent", "-c", "/no/such/file.yaml")
        self.refused(2, [self.directory], "agent", "-c", self.directory)

    def test_no_command_is_usage_and_2(self):
        command = ringtail()
        self.assertEqual(command.process.returncode, 2)
        self.assertIn("agent", command.stderr)
        self.assertEqual(command.stdout, b"")

    def test_an_unknown_command_is_2(self):
        self.refused(2, ["frobnicate"], "frobnicate")

    def test_help_and_version_work_everywhere_and_without_root(self):
        for arguments in (["--help"], ["--version"], ["agent", "--help"], ["tap", "--help"], ["run", "--help"]):
            with self.subTest(arguments=arguments):
                command = self.as_nobody(*arguments)
                self.assertEqual(command.process.returncode, 0, command.describe())
                self.assertTrue(command.stdout)
                self.assertEqual(command.stderr, "")

    def as_nobody(self, *arguments):
        if not shutil.which("setpriv"):
            raise paths.MissingTool("setpriv is missing: install util-linux")
        binary = os.path.join(self.directory, "ringtail")
        shutil.copy(paths.need(paths.RINGTAIL, "build it with make"), binary)
        os.chmod(binary, 0o755)
        wrapper = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "env", "-u", "PWD"]
        original, paths.RINGTAIL = paths.RINGTAIL, binary
        try:
            return ringtail(*arguments, wrapper=wrapper)
        finally:
            paths.RINGTAIL = original

    def test_capture_without_root_is_3_and_says_so(self):
        state = os.path.join(self.directory, "state")
        os.mkdir(state)
        os.chown(state, 65534, 65534)
        for arguments in (["agent", "--cluster=c", "--region=eu-west-1", f"--state-dir={state}"], ["tap"],
                          ["run", "true"]):
            with self.subTest(arguments=arguments):
                command = self.as_nobody(*arguments)
                self.assertEqual(command.process.returncode, 3, command.describe())
                self.assertEqual(command.stderr.count("\n"), 1, command.stderr)
                self.assertRegex(command.stderr, "root|CAP_BPF")

    def in_own_mounts(self, script):
        """A wrapper that changes the mounts of the process alone."""
        return ["unshare", "--mount", "sh", "-c", f'{script}; exec "$0" "$@"']

    def test_a_kernel_without_btf_is_3_and_names_it(self):
        wrapper = self.in_own_mounts("mount -t tmpfs none /sys/kernel/btf")
        self.refused(3, ["/sys/kernel/btf/vmlinux", "CONFIG_DEBUG_INFO_BTF"], "run", "true", wrapper=wrapper)

    def test_tracefs_that_is_neither_mounted_nor_can_be_is_3_and_names_it(self):
        wrapper = self.in_own_mounts("umount -a -t tracefs; umount -a -t debugfs")
        wrapper[-1] = wrapper[-1].replace("exec", "exec setpriv --bounding-set=-sys_admin --inh-caps=-sys_admin")
        self.refused(3, ["/sys/kernel/tracing", "mount -t tracefs"], "run", "true", wrapper=wrapper)

    def test_tracefs_that_is_not_mounted_is_no_obstacle_to_root(self):
        command = ringtail("run", "true", wrapper=self.in_own_mounts("umount -a -t tracefs; umount -a -t debugfs"))
        self.assertEqual(command.process.returncode, 0, command.describe())

    def test_a_file_that_is_right_is_0_and_prints_its_values_with_their_origin(self):
        path = self.config("cluster: from-file\nlimits: {line: 4KiB}\n")
        command = ringtail("config", "-c", path, "--log-level=debug", environment={"RINGTAIL_NODE": "n1"})
        self.assertEqual(command.process.returncode, 0, command.describe())
        for text in (b"from-file", b"n1", b"debug"):
            self.assertIn(text, command.stdout)
        self.assertEqual(ringtail("config", "--check", "-c", path).process.returncode, 0)
        self.assertEqual(ringtail("config", "--check", "-c", self.config("nosuch: 1\n")).process.returncode, 2)
