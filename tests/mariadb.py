"""A real MariaDB server of a test's own: on a socket and a free port, and never as root."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

BINARIES = ("mariadbd", "mariadb-install-db")
PASSWORD = "a 'word' with \"quotes\" and ü"
USER = "sentiment"
_START_SECONDS = 60


def missing() -> str:
    """Returns why there can be no server; "" if there can."""
    absent = [name for name in BINARIES if not _path_of(name)]
    return f"{', '.join(absent)} missing: apt-get install mariadb-server" if absent else ""


def _path_of(name: str) -> str | None:
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


class MariaDb:
    """A server; each test takes databases of its own.

    Attributes:
      socket: Its socket.
      port: Its port, on 127.0.0.1 alone.
    """

    def __init__(self) -> None:
        """Makes the server's files, and starts it."""
        # A socket's path has at most 107 bytes, which pytest's folders may pass.
        self.folder = Path(tempfile.mkdtemp(prefix="mariadb-"))
        self.socket, self._log = self.folder / "socket", self.folder / "log"
        self._account = "nobody" if os.getuid() == 0 else None
        if self._account:
            found = pwd.getpwnam(self._account)
            os.chown(self.folder, found.pw_uid, found.pw_gid)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self._numbers = 0
        data = f"--datadir={self.folder / 'data'}"
        quick = ["--skip-test-db", "--auth-root-authentication-method=normal"]
        self._run(["mariadb-install-db", "--no-defaults", data, *quick])
        self._command = [
            _path_of("mariadbd"), "--no-defaults", data, f"--socket={self.socket}",
            f"--port={self.port}", "--bind-address=127.0.0.1", "--skip-name-resolve",
            f"--pid-file={self.folder / 'pid'}", "--innodb-buffer-pool-size=16M",
            "--innodb-flush-log-at-trx-commit=2", "--character-set-server=utf8mb4",
        ]  # fmt: skip
        self.start()
        self.sql("CREATE USER %s@'%%' IDENTIFIED BY %s", USER, PASSWORD)

    def _run(self, command: list[str]) -> None:
        command[0] = _path_of(command[0]) or command[0]
        made = subprocess.run(command, user=self._account, capture_output=True, text=True)
        assert made.returncode == 0, made.stdout + made.stderr

    def start(self) -> None:
        """Starts the server, and waits until it answers."""
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                self._command, user=self._account, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        until = time.monotonic() + _START_SECONDS
        while True:
            with socket.socket(socket.AF_UNIX) as asked:
                if not asked.connect_ex(str(self.socket)):
                    return
            if self.process.poll() is not None or time.monotonic() > until:
                raise AssertionError(self._log.read_text())
            time.sleep(0.05)

    def kill(self) -> None:
        """Ends it by SIGKILL, as a power cut would."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """Ends it, and removes its files."""
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.folder)

    def sql(self, statement: str, *values: object, database: str | None = None) -> list[tuple]:
        """Returns the rows of a statement, asked as the administrator."""
        # It comes with the pipeline, which tests of the client alone do without.
        import pymysql

        connection = pymysql.connect(
            unix_socket=str(self.socket), user="root", database=database, autocommit=True
        )
        with connection, connection.cursor() as cursor:
            cursor.execute(statement, values or None)
            return list(cursor.fetchall())

    def new_database(self, rights: str = "ALL PRIVILEGES") -> str:
        """Returns the name of a new, empty database, which USER may use."""
        self._numbers += 1
        name = f"runs_{self._numbers}"
        self.sql(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
        self.sql(f"GRANT {rights} ON {name}.* TO {USER}@'%'")
        return name

    def url(self, database: str) -> str:
        """Returns the address of a database, for the setting `metadata`."""
        return f"mysql://{USER}@127.0.0.1:{self.port}/{database}"
