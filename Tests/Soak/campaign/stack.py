"""The proxy as users run it: worker processes on one socket, behind nginx, with a store."""

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import time

from .lag import LAG
from .mounts import MS_RDONLY, MS_REMOUNT, mount, unmount
from .worker import Worker

DRAIN = 8
"""`drain_timeout` of the workers, in seconds."""

START_BOUND = 30


class Stack:
    """nginx, workers and a store for some sites."""

    def __init__(self, name, directory, binary, ports, sites, workers, delivery="x-accel"):
        self.name = name
        self.directory = os.path.join(directory, name)
        self.binary = binary
        self.sites = sites
        self.worker_count = workers
        self.delivery = delivery
        self.ports = ports
        self.port = None
        self.nginx = None
        self.workers = []
        self.listener = None
        self.runs = set()
        self.deaths = []
        """Descriptions of workers that ended by themselves."""
        self.ended_count = 0
        self.has_ended_any = False
        """True if a worker has ended during work, so that unfinished files may be left."""
        self.environment = {}
        self.is_mounted = False
        self.watchers = set()
        self.sizes = []
        self.is_stopping = False
        self.digest_locks = {}
        """Locks by digest for small blobs, which several scenarios may draw."""

    # --- Files

    @property
    def store(self):
        return os.path.join(self.directory, "store")

    @property
    def log(self):
        return os.path.join(self.directory, "worker.log")

    def path(self, *names):
        return os.path.join(self.directory, *names)

    def write_configuration(self, ca_file, realms):
        lines = [
            f"listen: {self.path('worker.sock')}",
            'socket_mode: "0666"',
            f"delivery: {self.delivery}",
            "threads: {min: 8, max: 512}",
            f"drain_timeout: {DRAIN}s",
            f"log: {{level: info, file: {self.log}}}",
            f"store: {{directory: {self.store}}}",
            "defaults: {tag_ttl: 1s, stale_if_error: 1h, allow_private: [127.0.0.2/32, 127.0.0.3/32]}",
            "upstreams:",
        ]
        for site in self.sites:
            for name, endpoints, mode in site.upstreams():
                quoted = ", ".join(f'"{url}"' for url in endpoints)
                lines += [
                    f"  {name}:",
                    f"    endpoints: [{quoted}]",
                    "    storage_hosts: [127.0.0.2, 127.0.0.5]",
                    "    internal_hosts: [127.0.0.3]",
                    f"    external_redirects: {mode}",
                    f"    ca_file: {ca_file}",
                    f"    realms: [{', '.join(realms)}]",
                ]
        with open(self.path("worker.yaml"), "w") as file:
            file.write("\n".join(lines) + "\n")

    # --- Processes

    async def start(self, ca_file, realms):
        os.makedirs(self.path("nginx"), exist_ok=True)
        os.makedirs(self.store, exist_ok=True)
        self.write_configuration(ca_file, realms)
        probe = self.ports.bind("127.0.0.1")
        self.port = probe.getsockname()[1]
        probe.close()
        text = subprocess.run(
            [
                self.binary,
                "nginx-config",
                "--config",
                self.path("worker.yaml"),
                "--standalone",
                "--prefix",
                self.path("nginx"),
                "--http",
                f"127.0.0.1:{self.port}",
            ],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        # One nginx process suffices for a stack.
        text = text.replace("worker_processes auto;", "worker_processes 1;")
        with open(self.path("nginx", "nginx.conf"), "w") as file:
            file.write(text)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path("worker.sock"))
        os.chmod(self.path("worker.sock"), 0o666)
        self.listener.listen(1024)
        self.nginx = subprocess.Popen(
            [
                *ending_with_parent("TERM"),
                "nginx",
                "-p",
                self.path("nginx"),
                "-c",
                self.path("nginx", "nginx.conf"),
                "-e",
                self.path("nginx", "error.log"),
                "-g",
                "daemon off;",
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        await self.start_workers()

    async def start_workers(self):
        for _ in range(self.worker_count):
            self.spawn()
        await self.until_ready()

    def spawn(self):
        """Starts a worker on the socket."""
        with open(self.path("worker.err"), "ab") as errors:
            process = subprocess.Popen(
                [*ending_with_parent("KILL"), self.binary, "serve", "--config", self.path("worker.yaml")],
                stdin=self.listener,
                stdout=errors,
                stderr=errors,
                # The signal tells of a crash; a backtrace takes a minute in which clients wait.
                env=os.environ | {"SWIFT_BACKTRACE": "enable=no"} | self.environment,
                start_new_session=True,
            )
        worker = Worker(process, len(self.workers))
        self.workers.append(worker)
        self.watch(worker)
        return worker

    async def until_ready(self):
        """Waits until the workers handle signals and the proxy responds."""
        deadline = time.monotonic() + START_BOUND - LAG.total
        while (
            not all(worker.takes_signals() for worker in self.workers if worker.is_running) or not await self.answers()
        ):
            if time.monotonic() - LAG.total > deadline or not any(worker.is_running for worker in self.workers):
                raise SystemExit(f"soak: stack {self.name} did not start: see the logs in {self.directory}")
            await asyncio.sleep(0.02)

    async def answers(self):
        try:
            async with asyncio.timeout(START_BOUND):
                reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
                writer.write(b"GET /_regproxy/healthz HTTP/1.0\r\n\r\n")
                answer = await reader.read(12)
                writer.close()
                return answer.endswith(b" 200")
        except (OSError, TimeoutError):
            return False

    def watch(self, worker):
        """Records at once the end of a worker that was not ended by the campaign."""
        descriptor = os.pidfd_open(worker.pid)
        loop = asyncio.get_running_loop()

        def ended():
            loop.remove_reader(descriptor)
            os.close(descriptor)
            self.watchers.discard(descriptor)
            self.note_end(worker)

        self.watchers.add(descriptor)
        loop.add_reader(descriptor, ended)

    def note_end(self, worker):
        code = worker.process.wait()
        self.has_ended_any |= not self.is_stopping
        if worker in self.workers:
            self.workers.remove(worker)
        right = {signal.SIGKILL: -signal.SIGKILL, signal.SIGTERM: 0}.get(worker.ending)
        if worker.ending is not None and code == right:
            self.ended_count += 1
            return
        how = f"signal {-code}" if code < 0 else f"status {code}"
        why = f" after {signal.Signals(worker.ending).name}" if worker.ending else " by itself"
        self.deaths.append(f"a worker of stack {self.name} ended with {how}{why}")
        for run in self.runs:
            run.deaths.append(self.deaths[-1])
        if self.nginx and worker.ending is None:
            self.spawn()

    def end(self, worker, number):
        worker.ending = number
        worker.signal(number)

    async def stop_workers(self):
        """Stops the workers as an operator does; a worker that continues is a failure."""
        self.is_stopping = True
        workers = [worker for worker in self.workers if worker.is_running]
        for worker in workers:
            worker.signal(signal.SIGCONT)
            self.end(worker, signal.SIGTERM)
        deadline = time.monotonic() + DRAIN + 10
        while any(worker.is_running for worker in workers) and time.monotonic() < deadline:
            await asyncio.sleep(0.02)
        for worker in workers:
            if worker.is_running:
                self.deaths.append(f"a worker of stack {self.name} still ran {DRAIN + 10} s after SIGTERM")
                self.end(worker, signal.SIGKILL)
                worker.process.wait()
        await asyncio.sleep(0)
        self.is_stopping = False

    async def stop(self):
        await self.stop_workers()
        self.kill()

    def kill(self):
        """Kills all processes, and unmounts the store."""
        nginx, self.nginx = self.nginx, None
        for descriptor in list(self.watchers):
            asyncio.get_running_loop().remove_reader(descriptor)
            os.close(descriptor)
            self.watchers.discard(descriptor)
        for worker in self.workers:
            if worker.is_running:
                worker.process.kill()
                worker.process.wait()
        if nginx and nginx.poll() is None:
            # The workers of nginx end with their master.
            nginx.terminate()
            try:
                nginx.wait(5)
            except subprocess.TimeoutExpired:
                nginx.kill()
                nginx.wait()
        if self.listener:
            self.listener.close()
        self.unmount()

    # --- Disk

    def mount(self, disk):
        options = f"size={disk.size}" + (f",nr_inodes={disk.inodes}" if disk.inodes else "")
        mount("tmpfs", self.store, "tmpfs", 0, options)
        self.is_mounted = True

    def remount(self, read_only, options):
        return mount("tmpfs", self.store, "tmpfs", MS_REMOUNT | (MS_RDONLY if read_only else 0), options, must=False)

    def unmount(self):
        if self.is_mounted:
            unmount(self.store)
            self.is_mounted = False

    async def renew_store(self, disk):
        """Restarts the workers with an empty store on its own disk."""
        await self.stop_workers()
        self.unmount()
        shutil.rmtree(self.store, ignore_errors=True)
        os.makedirs(self.store, exist_ok=True)
        self.environment = {"REGPROXY_DELIVERY": disk.delivery} if disk else {}
        if disk:
            self.mount(disk)
            if disk.max_size:
                self.environment["REGPROXY_STORE_MAX_SIZE"] = f"{disk.max_size}B"
            if disk.min_free:
                self.environment["REGPROXY_STORE_MIN_FREE"] = f"{disk.min_free}B"
        await self.start_workers()


def ending_with_parent(name):
    """Returns the prefix of a command that gets a signal if the campaign is killed."""
    return ["setpriv", "--pdeathsig", name]
