"""Daemon threads: started on need, reused, never more than told."""

import threading

from smartclient._runtime.threads import DaemonThreads

PATIENCE = 30.0  # seconds: a guard against a hang


class Jobs:
    """Jobs that wait for `gate`, and note in which thread they ran."""

    def __init__(self):
        self.gate = threading.Event()
        self.begun = threading.Semaphore(0)
        self.ended = threading.Semaphore(0)
        self.threads = []

    def __call__(self):
        self.threads.append(threading.current_thread())
        self.begun.release()
        self.gate.wait(PATIENCE)
        self.ended.release()


def test_as_many_threads_as_jobs_up_to_the_size():
    threads, jobs = DaemonThreads(3), Jobs()
    for _ in range(5):
        threads.run(jobs)
    for _ in range(3):
        assert jobs.begun.acquire(timeout=PATIENCE)
    assert len(set(jobs.threads)) == 3
    jobs.gate.set()
    for _ in range(5):
        assert jobs.ended.acquire(timeout=PATIENCE)
    assert len(set(jobs.threads)) == 3
    assert all(thread.daemon for thread in jobs.threads)


def test_a_job_never_waits_for_a_busy_thread_while_there_is_room():
    """One that is idle and has been called already does not count as free."""
    threads, jobs = DaemonThreads(16), Jobs()
    threads.run(jobs)
    assert jobs.begun.acquire(timeout=PATIENCE)
    for _ in range(15):
        threads.run(jobs)
    for _ in range(15):
        assert jobs.begun.acquire(timeout=PATIENCE)
    jobs.gate.set()
    assert len(set(jobs.threads)) == 16


def test_idle_threads_are_taken_first():
    threads, jobs = DaemonThreads(16), Jobs()
    jobs.gate.set()
    for _ in range(20):
        threads.run(jobs)
        assert jobs.ended.acquire(timeout=PATIENCE)
        while threads._idle < threads._threads:  # until it has come back to wait
            jobs.threads[-1].join(0.001)
    assert len(set(jobs.threads)) == 1


def test_forgotten_threads_are_started_anew():
    """As in a forked child, where they do not exist."""
    threads, jobs = DaemonThreads(1), Jobs()
    threads.run(jobs)
    assert jobs.begun.acquire(timeout=PATIENCE)
    threads.forget()
    threads.run(jobs)
    assert jobs.begun.acquire(timeout=PATIENCE)
    jobs.gate.set()
    assert len(set(jobs.threads)) == 2
