"""Peer: the Singer tap piped into the Singer target, as ``tap | target`` in a shell."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent


def main() -> None:
    """Load everything once."""
    order = json.loads(sys.argv[1])
    started = time.perf_counter()
    folder = Path(order["work_dir"])
    (folder / "tap.json").write_text(json.dumps({"erp_url": order["erp_url"]}))
    names = ("store_url", "states", "client")
    (folder / "target.json").write_text(json.dumps({name: order[name] for name in names if name in order}))
    tap = subprocess.Popen(  # noqa: S603 - our own command
        [sys.executable, str(HERE / "tap_acumatica.py"), "--config", str(folder / "tap.json")], stdout=subprocess.PIPE
    )
    target = subprocess.Popen(  # noqa: S603 - the same
        [sys.executable, str(HERE / "target_better_b2b.py"), "--config", str(folder / "target.json")],
        stdin=tap.stdout,
        stdout=subprocess.DEVNULL,
    )
    if tap.stdout:
        tap.stdout.close()
    codes = target.wait(), tap.wait()
    if any(codes):
        raise SystemExit(f"target and tap ended with {codes}")
    print(json.dumps({"run_s": time.perf_counter() - started}))  # noqa: T201 - a contender's answer


if __name__ == "__main__":
    main()
