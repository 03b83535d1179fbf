"""A worker process, and its state according to the system."""

import os


class Worker:
    """A worker process."""

    def __init__(self, process, number):
        self.process = process
        self.number = number
        self.ending = None
        """The signal by which the campaign ended the process."""

    @property
    def pid(self):
        return self.process.pid

    @property
    def is_running(self):
        return self.process.poll() is None

    def signal(self, number):
        if self.is_running:
            os.kill(self.pid, number)

    def takes_signals(self):
        """True once the process handles TERM and HUP instead of ending: it blocks them before threads start."""
        return read_status(self.pid).get("Threads", 0) >= 4

    def size(self):
        """Returns the number of descriptors and the resident kilobytes of the process."""
        try:
            descriptors = len(os.listdir(f"/proc/{self.pid}/fd"))
        except OSError:
            return 0, 0
        return descriptors, read_status(self.pid).get("VmRSS", 0)


def read_status(pid):
    """Returns the numbers in the status of a process."""
    values = {}
    try:
        with open(f"/proc/{pid}/status") as status:
            for line in status:
                name, _, value = line.partition(":")
                fields = value.split()
                if fields:
                    values[name] = int(fields[0]) if fields[0].isdigit() else 0
    except OSError:
        pass
    return values
