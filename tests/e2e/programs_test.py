# SPDX-License-Identifier: Apache-2.0
"""Programs that nobody here wrote, each with its own way to write: what the runtime's reader got of them is what arrives.

The truth is known twice: what the program must have written by its script is compared with what came out of the pipe, and
that with what was delivered."""

import os
import re
import signal
import time

from lib import lines, programs
from lib.agent import free_port
from lib.podman import Podman
from lib.scenario import Scenario

MIB = 1 << 20
LATE_S = 0.5  # more than a flush: a second copy, or something that is nobody's log, would have come by then


class Programs(Scenario):
    """What the tests below share."""

    def program(self, name, *arguments, **options):
        return self.container(programs.path_of(name), *arguments, **options)

    def bash(self, script, *needed, **options):
        for name in needed:
            programs.path_of(name)
        return self.program("bash", "-c", script, **options)

    def file(self, name, text):
        path = os.path.join(self.directory, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def assert_wrote(self, container, stdout, stderr=""):
        """It ended well and its reader got this."""
        self.assertEqual(container.wait(), 0, container.raw("stderr")[-500:])
        for stream, text in (("stdout", stdout), ("stderr", stderr)):
            lines.assert_same(text.encode().split(b"\n"), container.raw(stream).split(b"\n"), f"written {stream} line")

    @staticmethod
    def assert_set(expected, texts):
        """What was written when nobody knows in which order."""
        lines.assert_same(sorted(expected), sorted(texts), "sorted written line")

    def assert_delivered(self, *containers):
        """Every byte in its order, and nothing else: no event about a hole, none of another stream."""
        total = 0
        for container in containers:
            records = self.assert_whole(container)
            self.assertEqual([record for record in records if "log" not in record], [])
            total += len(records)
        self.assert_nothing_else(total)

    def assert_nothing_else(self, total):
        time.sleep(LATE_S)
        self.assertEqual(self.cloudwatch.count(), total)
        self.assertEqual(self.cloudwatch.misbehaviour(), [])

    def assert_delivered_of_writers(self, container, writer_of, streams=("stdout",)):
        """As assert_delivered for a pipe that several write to at once: each one's lines in its own order."""
        expected = {stream: lines.texts(container.raw(stream)) for stream in streams}
        total = sum(map(len, expected.values()))
        self.wait_for_count(container, total, time.monotonic() + 12)
        for stream, texts in expected.items():
            programs.assert_same_writers(programs.by_writer(texts, writer_of),
                                         programs.by_writer(self.logs(container, stream), writer_of), stream)
        self.assert_nothing_else(total)


BASH = r"""
echo builtin; echo -n 'in '; echo -n two; printf ' %s\n' parts
printf 'number %05d\n' {1..500}
while read -r word rest; do echo "$word:$rest"; done <<END
alpha one two
beta
END
cat <<'END'
here "document" $unexpanded
END
seq 300 | tee /dev/stderr | sed 's/^/piped /'
lines=$(echo inner; seq 1000); echo ${#lines}
{ echo group; echo hidden >/dev/null; } | cat
exec 2>&1
echo 'stderr is stdout' >&2
seq 3 >&2
"""
BASH_STDOUT = ("builtin\nin two parts\n" + "".join(f"number {i:05}\n" for i in range(1, 501)) + "alpha:one two\nbeta:\n"
               'here "document" $unexpanded\n' + "".join(f"piped {i}\n" for i in range(1, 301)) + "3898\ngroup\n"
               "stderr is stdout\n1\n2\n3\n")
BASH_STDERR = "".join(f"{i}\n" for i in range(1, 301))


class Shells(Programs):
    def test_bash_with_builtins_here_documents_pipelines_and_redirections(self):
        self.agent()
        container = self.bash(BASH, "cat", "sed", "seq", "tee")
        self.assert_wrote(container, BASH_STDOUT, BASH_STDERR)
        self.assert_delivered(container)

    def test_background_jobs_of_bash_keep_each_its_order(self):
        self.agent()
        container = self.bash("for job in 1 2 3 4; do (for ((i = 0; i < 2000; i++)); do echo $job $i; done) & done; wait")
        self.assertEqual(container.wait(), 0)
        self.assert_set([f"{job} {i}" for job in range(1, 5) for i in range(2000)], lines.texts(container.raw()))
        self.assert_delivered_of_writers(container, lambda text: text.split()[0])

    def test_busybox_sh_seq_printf_and_tee_in_their_own_root(self):
        self.agent()
        script = ("echo first; for i in 1 2 3; do printf '%s,' $i; done; echo; seq 1 30000; "
                  "yes busybox | head -n 20000; seq 1 2000 | tee /dev/stderr | tail -n 1; echo last >&2")
        container = self.container("/bin/sh", "-c", script, rootfs=self.rootfs())
        numbers = "".join(f"{i}\n" for i in range(1, 30001))
        self.assert_wrote(container, f"first\n1,2,3,\n{numbers}" + "busybox\n" * 20000 + "2000\n",
                          "".join(f"{i}\n" for i in range(1, 2001)) + "last\n")
        self.assert_delivered(container)

    def test_busybox_cat_which_uses_sendfile_is_captured_or_told_to_the_byte(self):
        self.agent()
        root = self.rootfs()
        text = "".join(f"line {i} of a file\n" for i in range(20000))
        self.file("rootfs/file", text)
        container = self.container("/bin/sh", "-c", "echo before; cat /file; echo after", rootfs=root)
        self.assert_wrote(container, f"before\n{text}after\n")
        self.assert_whole_or_told(container, ["before", "after"], "unreadable")

    def assert_whole_or_told(self, container, readable, reason):
        """All of it, or the readable lines and the number of the other bytes, exactly."""
        raw = container.raw()

        def account():
            records = self.records(container)
            told = [record["ringtail"] for record in records if "ringtail" in record]
            delivered = sum(len(text.encode()) + 1 for text in self.joined(records))
            return delivered, sum(note["lost_bytes"] or 0 for note in told), {note["reason"] for note in told}

        try:
            self.eventually(lambda: sum(account()[:2]) == len(raw), "")
        except AssertionError:
            self.fail(f"the reader got {len(raw)} bytes; delivered, told as lost, because of: {account()}")
        _, lost, reasons = account()
        self.assertEqual(reasons, {reason} if lost else set())
        lines.assert_same(readable if lost else lines.texts(raw), self.logs(container))
        self.assert_nothing_else(len(self.records(container)))


class CoreUtils(Programs):
    def test_seq_of_200000_numbers_at_once(self):
        # All in a moment: as events, most of it is held until the first requests are answered.
        self.agent({"limits.memory": "256MiB"})
        container = self.program("seq", 1, 200000)
        self.assert_wrote(container, "".join(f"{i}\n" for i in range(1, 200001)))
        self.assert_delivered(container)

    def test_dd_of_20_blocks_of_1_mib(self):
        self.agent()
        text = "".join(f"{i:08}" + chr(97 + i % 26) * 1015 + "\n" for i in range(20 * MIB // 1024))
        container = self.program("dd", "bs=1M", "count=20", f"if={self.file('input', text)}")
        self.assertEqual(container.wait(), 0)
        self.assertIn(b"20+0 records out\n", container.raw("stderr"))
        self.assertEqual(len(container.raw()), 20 * MIB)
        self.assert_wrote(container, text, container.raw("stderr").decode())
        self.assert_delivered(container)

    def test_yes_into_head_of_100000_lines(self):
        self.agent()
        container = self.bash("yes | head -n 100000", "head")
        self.assert_wrote(container, "y\n" * 100000)
        self.assert_delivered(container)

    def test_cat_tee_sort_and_printf_of_a_file(self):
        self.agent()
        text = "".join(f"{i * 7919 % 20011} entry\n" for i in range(20000))
        path = self.file("input", text)
        containers = [self.program("cat", path), self.program("sort", "-n", path),
                      self.bash(f"tee /dev/stderr <{path}", "tee"),
                      self.bash(r"/usr/bin/printf 'a\tb\n%s\n' c d; /usr/bin/printf 'no newline'")]
        self.assert_wrote(containers[0], text)
        self.assert_wrote(containers[1], "".join(sorted(text.splitlines(True), key=lambda line: int(line.split()[0]))))
        self.assert_wrote(containers[2], text, text)
        self.assert_wrote(containers[3], "a\tb\nc\na\tb\nd\nno newline")
        self.assert_delivered(*containers)


PYTHON_PRINT = "for i in range(100000): print('line', i)"
PYTHON_WRITES = r"""
import os
for i in range(2000):
    os.write(1, b"write %d\n" % i)
    os.writev(1, [b"writev ", b"", str(i).encode(), b" ", b"x" * (i % 3000), b"\n"])
    os.write(2, b"part of ")
    os.writev(2, [b"line %d\n" % i] * 3)
"""
PYTHON_LOGGING = """
import logging, threading
logging.basicConfig(format="%(levelname)s %(threadName)s %(message)s", level=logging.INFO)
def work():
    for i in range(3000):
        logging.info("message %d", i)
threads = [threading.Thread(target=work, name=f"worker-{n}") for n in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""
NODE_LINES = """
for (let i = 0; i < 50000; i++) {
    console.log('line', i, { even: i % 2 === 0 });
    if (i % 10 === 0) console.error('error %d', i);
}
"""


class Interpreters(Programs):
    def test_python_prints_100000_lines_buffered(self):
        self.agent()
        container = self.program("python3", "-c", PYTHON_PRINT)
        self.assert_wrote(container, "".join(f"line {i}\n" for i in range(100000)))
        self.assert_delivered(container)

    def test_python_prints_100000_lines_unbuffered(self):
        self.agent()
        container = self.program("python3", "-u", "-c", PYTHON_PRINT)
        self.assert_wrote(container, "".join(f"line {i}\n" for i in range(100000)))
        self.assert_delivered(container)

    def test_python_with_os_write_and_os_writev_on_both_streams(self):
        self.agent()
        container = self.program("python3", "-c", PYTHON_WRITES)
        self.assert_wrote(container, "".join(f"write {i}\nwritev {i} {'x' * (i % 3000)}\n" for i in range(2000)),
                          "".join("part of " + f"line {i}\n" * 3 for i in range(2000)))
        self.assert_delivered(container)

    def test_python_logging_from_4_threads(self):
        self.agent()
        container = self.program("python3", "-c", PYTHON_LOGGING)
        self.assertEqual(container.wait(), 0)
        self.assert_set([f"INFO worker-{n} message {i}" for n in range(4) for i in range(3000)],
                        lines.texts(container.raw("stderr")))
        # The handler's lock puts its writes into one order, so that this one must arrive.
        self.assert_delivered(container)

    def test_perl_with_print_syswrite_and_autoflush(self):
        self.agent()
        container = self.program("perl", "-e", r"""
            print "buffered $_\n" for 1 .. 20000;
            $| = 1;
            print "flushed ", $_, "\n" for 1 .. 5000;
            syswrite STDOUT, "syswrite $_\n" for 1 .. 5000;
            print STDERR "error $_\n" for 1 .. 1000;
            warn "warned\n";
            print "last";""")
        self.assert_wrote(container, "".join(f"{kind} {i}\n" for kind, count in
                                             (("buffered", 20000), ("flushed", 5000), ("syswrite", 5000))
                                             for i in range(1, count + 1)) + "last",
                          "".join(f"error {i}\n" for i in range(1, 1001)) + "warned\n")
        self.assert_delivered(container)

    def test_node_logs_50000_lines_and_errors_between_them(self):
        self.agent()
        container = self.program("node", "-e", NODE_LINES)
        self.assert_wrote(container, "".join(f"line {i} {{ even: {str(i % 2 == 0).lower()} }}\n" for i in range(50000)),
                          "".join(f"error {i}\n" for i in range(0, 50000, 10)))
        self.assert_delivered(container)

    def test_node_writes_1_mib_at_once_to_a_reader_that_is_slower(self):
        self.agent()
        script = "process.stdout.write('\\u00e9y'.repeat(349525) + '\\n'); process.stdout.write('after\\n')"
        quick, slow = self.program("node", "-e", script), self.program("node", "-e", script, rate=MIB)
        for container in (quick, slow):
            self.assert_wrote(container, "\u00e9y" * 349525 + "\nafter\n")
        self.assert_delivered(quick, slow)


JAVA = """
public class Main {
    static void deeper(int levels) {
        if (levels == 0) throw new IllegalStateException("deep\\tdown");
        deeper(levels - 1);
    }
    public static void main(String[] arguments) {
        for (int i = 0; i < 50000; i++) {
            System.out.println("line " + i);
            if (i % 500 == 0)
                try { deeper(5); } catch (IllegalStateException e) { new RuntimeException("trace " + i, e).printStackTrace(); }
        }
        System.out.printf("%s of %d%n", "last", 1);
        System.out.print("no newline");
        System.out.flush();
    }
}
"""


class Servers(Programs):
    def test_java_prints_50000_lines_and_stack_traces(self):
        self.agent()
        container = self.program("java", "-XX:TieredStopAtLevel=1", self.file("Main.java", JAVA))
        self.assertEqual(container.wait(), 0, container.raw("stderr")[-500:])
        traces = container.raw("stderr").decode()
        self.assert_wrote(container, "".join(f"line {i}\n" for i in range(50000)) + "last of 1\nno newline", traces)
        self.assertEqual(re.findall(r"^java.lang.RuntimeException: trace (\d+)$", traces, re.M),
                         [str(i) for i in range(0, 50000, 500)])
        self.assertEqual(traces.count("\n\tat Main.deeper"), 6 * 100)
        self.assert_delivered(container)

    def test_nginx_logs_5000_requests_of_2_workers_and_reopens_its_logs_between_them(self):
        self.agent()
        port = free_port()
        container = self.container(*programs.nginx_command(self.directory, port))
        self.wait_for_notices(container, "start worker process ", 2)
        asked = programs.load(port, 10, 250, "before")
        container.kill(signal.SIGUSR1)
        self.wait_for_notices(container, ": reopening logs", 3)
        asked += programs.load(port, 10, 250, "after")
        self.assertEqual(container.stop(number=signal.SIGQUIT), 0)
        logged = re.findall(r'^\d+ \d+ \d+ "GET (\S+) HTTP/1.1" \d+ "(.*)"$', container.raw().decode(), re.M)
        self.assert_set(asked, map(" ".join, logged))
        self.assertEqual(len(set(re.findall(r"^\d+", container.raw().decode(), re.M))), 2, "both workers have served")
        missing = sum(target.startswith("/missing/") for target in asked)
        self.assertEqual(container.raw("stderr").count(b"(2: No such file or directory)"), missing)
        self.assert_delivered_of_writers(container, lambda text: re.match(r"(\S+ \S+ \[\w+\] )?(\d+)", text)[2],
                                         ("stdout", "stderr"))

    def wait_for_notices(self, container, text, count):
        container.wait_started()
        self.eventually(lambda: container.raw("stderr").count(text.encode()) >= count, f"{count} times {text!r} of nginx")


class RealRuntime(Programs):
    """podman, conmon and runc: the truth is what conmon wrote."""

    def start(self, podman, *arguments):
        container = podman.create(self.pod(), "app", *arguments)
        self.register(container)
        podman.start(container)
        return container

    def host_podman(self):
        return self.enterContext(programs.HostPodman(self.runtime.pods_dir))

    def test_bash_in_podman(self):
        self.agent()
        container = self.start(self.host_podman(), programs.path_of("bash"), "-c", BASH)
        self.assert_wrote(container, BASH_STDOUT, BASH_STDERR)
        self.assert_delivered(container)

    def test_python_and_node_in_podman(self):
        self.agent()
        podman = self.host_podman()
        python = self.start(podman, programs.path_of("python3"), "-u", "-c", PYTHON_WRITES)
        node = self.start(podman, programs.path_of("node"), "-e", "for (let i = 0; i < 20000; i++) console.log('line', i)")
        self.assertEqual(python.wait(), 0)
        self.assert_wrote(node, "".join(f"line {i}\n" for i in range(20000)))
        self.assert_delivered(python, node)

    def test_busybox_in_podman(self):
        self.agent()
        podman = self.enterContext(Podman(self.runtime.pods_dir))
        container = self.start(podman, "sh", "-c", "seq 1 50000; echo end >&2; seq 9 | tee /dev/stderr")
        numbers = "".join(f"{i}\n" for i in range(1, 10))
        self.assert_wrote(container, "".join(f"{i}\n" for i in range(1, 50001)) + numbers, "end\n" + numbers)
        self.assert_delivered(container)
