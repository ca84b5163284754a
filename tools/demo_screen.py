"""The demo's screen: walrock's own output above, a few lines of the demo at the bottom.

On a terminal walrock runs in a pseudo terminal that is some rows shorter, so that it shows its live
board, and what it writes is passed on unchanged; the terminal's scroll region keeps it out of the
bottom rows. Without a terminal everything is printed line by line.
"""
import fcntl
import os
import pty
import shutil
import struct
import sys
import termios
import threading

FOOTER_ROWS = 6
MIN_ROWS = 16  # a smaller terminal gets plain lines


class PlainScreen:
    """No terminal: the demo's lines and walrock's log, one after the other."""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def attach(self):
        """Returns the file descriptor that walrock writes to."""
        return sys.stdout.fileno()

    def say(self, text):
        print(f"demo: {text}", flush=True)

    def note(self, text):
        """Passing remarks are for those who watch."""


class TerminalScreen:
    """Splits the terminal in two. say() adds a line at the bottom, note() replaces the passing remark below."""

    def __init__(self):
        self._lines = []
        self._remark = ""
        self._lock = threading.Lock()
        self._master = None
        self._thread = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self._master is None:
            return
        self._thread.join(timeout=5)
        os.close(self._master)
        top = shutil.get_terminal_size().lines - FOOTER_ROWS + 1
        with self._lock:
            self._write(f"\x1b[r\x1b[?25h\x1b[{top};1H\x1b[J")
            for line in self._lines:
                self._write(line + "\n")
        self._master = None

    def attach(self):
        """Makes the pseudo terminal and returns the end that walrock writes to."""
        self._master, child = pty.openpty()
        size = shutil.get_terminal_size()
        rows = size.lines - FOOTER_ROWS
        fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", rows, size.columns, 0, 0))
        with self._lock:
            self._write(f"\x1b[2J\x1b[1;{rows}r\x1b[1;1H")
            self._draw_footer()
        self._thread = threading.Thread(target=self._pass_on, name="screen", daemon=True)
        self._thread.start()
        return child

    def say(self, text):
        with self._lock:
            self._lines += text.splitlines()
            self._remark = ""
            if self._master is None:
                self._write(text + "\n")
            else:
                self._draw_footer()

    def note(self, text):
        with self._lock:
            self._remark = text
            if self._master is not None:
                self._draw_footer()

    def _pass_on(self):
        """Passes on what walrock writes; the footer is drawn anew after it, since it may clear the screen."""
        while True:
            try:
                chunk = os.read(self._master, 65536)
            except OSError:  # the other end is closed: walrock has ended
                return
            if not chunk:
                return
            with self._lock:
                sys.stdout.buffer.write(chunk)
                self._draw_footer()

    def _draw_footer(self):
        size = shutil.get_terminal_size()
        top = size.lines - FOOTER_ROWS + 1
        drawn = [f"\x1b7\x1b[{top};1H\x1b[2K" + "-" * size.columns]
        shown = [*self._lines[-(FOOTER_ROWS - 2):], self._remark]
        for number in range(FOOTER_ROWS - 1):
            text = shown[number][:size.columns - 1] if number < len(shown) else ""
            drawn.append(f"\x1b[{top + 1 + number};1H\x1b[2K{text}")
        self._write("".join(drawn) + "\x1b8")

    @staticmethod
    def _write(text):
        sys.stdout.write(text)
        sys.stdout.flush()


def open_screen():
    if sys.stdout.isatty() and shutil.get_terminal_size().lines >= MIN_ROWS:
        return TerminalScreen()
    return PlainScreen()
