# SPDX-License-Identifier: Apache-2.0
"""Runs unittest's tests one after the other, each with a time limit, and prints TAP: `ok N - sentence`, or `not ok N - …` with
what went wrong below it. A test that leaves a cgroup behind has failed; so has one that was skipped."""

import glob
import os
import shutil
import signal
import sys
import tempfile
import time
import traceback
import unittest

from . import cgroups, podman

TEST_TIMEOUT_S, AGAIN_S = 60, 5


class TooSlow(BaseException):
    """Not an Exception, so that nothing that a test expects swallows it."""


def sentence(subject, test):
    words = test._testMethodName.removeprefix("test_").replace("_", " ")  # pylint: disable=protected-access
    return f"{subject}: {words}"


def tests_of(module, subject):
    """(name, test) of all tests of a module."""
    return [(sentence(subject, test), test) for suite in unittest.defaultTestLoader.loadTestsFromModule(module)
            for test in suite]


class Result(unittest.TestResult):
    """Keeps what went wrong in one test."""

    def __init__(self):
        super().__init__()
        self.problems = []

    def note(self, error, where=""):
        """The frames of the test and of lib, not unittest's."""
        kind, value, trace = error
        frames = [frame for frame in traceback.extract_tb(trace) if "/unittest/" not in frame.filename]
        text = "".join(traceback.format_list(frames) + traceback.format_exception_only(kind, value))
        self.problems.append(where + text)

    def addError(self, test, err):
        self.note(err)

    def addFailure(self, test, err):
        self.note(err)

    def addSubTest(self, test, subtest, err):
        if err:
            self.note(err, f"{subtest._subDescription()}: ")  # pylint: disable=protected-access

    def addSkip(self, test, reason):
        self.problems.append(f"skipped, and no scenario may: {reason}")

    def addUnexpectedSuccess(self, test):
        self.problems.append("unexpected success")


def on_alarm(*_):
    raise TooSlow(f"not done within {TEST_TIMEOUT_S} s")


def make_folder():
    """One folder for all that tests put into /tmp, named by our pid: the folders of the dead go first. Others than root may
    look in: some commands run as nobody."""
    prefix = "ringtail-e2e-"
    for path in glob.glob(os.path.join(tempfile.gettempdir(), prefix + "*")):
        if not os.path.exists(f"/proc/{path.rsplit('-', 1)[1]}"):
            podman.remove_mounts(path)
            shutil.rmtree(path, ignore_errors=True)
    tempfile.tempdir = os.path.join(tempfile.gettempdir(), f"{prefix}{os.getpid()}")
    os.mkdir(tempfile.tempdir)
    os.chmod(tempfile.tempdir, 0o755)


def diagnose(test):
    diagnostics = getattr(test, "diagnostics", None)
    return diagnostics() if diagnostics and getattr(test, "commands", None) else []


def run_one(test):
    result = Result()
    # Again and again: unittest goes on with the next part of a test after an error.
    signal.setitimer(signal.ITIMER_REAL, TEST_TIMEOUT_S, AGAIN_S)
    try:
        test.run(result)
    except TooSlow as error:
        result.problems.append(str(error))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    problems = result.problems + (diagnose(test) if result.problems else [])
    left = cgroups.pods(lambda owner: owner == os.getpid())
    if left:
        problems.append(f"cgroups are left: {left}")
        cgroups.sweep_own()
    return problems


def show(text):
    for line in text.rstrip("\n").split("\n"):
        print(f"#   {line}")


def run_tests(tests, verbose=False, exit_first=False):
    """Returns how many failed. Class fixtures are not run: a test makes what it needs."""
    print(f"1..{len(tests)}", flush=True)
    failed = 0
    for number, (name, test) in enumerate(tests, 1):
        begin = time.monotonic()
        problems = run_one(test)
        failed += bool(problems)
        took = f" # {time.monotonic() - begin:.1f} s" if verbose else ""
        print(f"{'not ok' if problems else 'ok'} {number} - {name}{took}")
        for problem in problems:
            show(problem)
        sys.stdout.flush()
        if problems and exit_first:
            break
    print(f"# {len(tests)} tests, {failed} failed")
    return failed


def main(tests, verbose=False, exit_first=False):
    """The exit status."""
    if os.geteuid() != 0:
        print("Bail out! root is needed to make containers")
        return 1
    if not tests:
        print("Bail out! no test has such a name")
        return 1
    signal.signal(signal.SIGALRM, on_alarm)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # the one exception that unittest lets through
    cgroups.sweep_of_the_dead()
    make_folder()
    try:
        return 1 if run_tests(tests, verbose, exit_first) else 0
    finally:
        cgroups.sweep_own()
        shutil.rmtree(tempfile.tempdir, ignore_errors=True)
