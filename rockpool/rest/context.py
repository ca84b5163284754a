"""What a backend keeps of a load while it runs."""
import time
import uuid
from dataclasses import dataclass, field


@dataclass
class LoadContext:
    """One load that runs on a backend."""
    label: str
    txn: object = None
    table: object = None
    options: object = None
    stream: object = None
    bytes: int = 0
    busy: bool = False
    started: float = field(default_factory=time.monotonic)
    begin_ms: int = 0
    plan_ms: int = 0
    receive_ms: int = 0
    write_ms: int = 0
    commit_ms: int = 0
    error_url: str = ""
    rejected_path: str = ""  # where the refused rows are, when a load asks to keep them
    aborted: str = ""  # why, when somebody rolled it back meanwhile
    multi: bool = False
    job_id: int = 0  # in information_schema; 0: that of the transaction
    merging: bool = False  # a request of a merge commit, which has no transaction of its own
    left_ms: int = -1  # of the window that took it
    restarts: int = 0  # of the backend before this load
    load_id: str = field(default_factory=lambda: str(uuid.uuid4()))

    @property
    def counts(self):
        return self.stream.counts if self.stream is not None else None
