"""What the command says before it can load."""

from __future__ import annotations

import subprocess
import sys


def run_with(preparation: str) -> subprocess.CompletedProcess[str]:
    code = f"import sys\n{preparation}\nfrom edge_irdet.__main__ import main\nmain()\n"
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60
    )


def test_a_missing_dependency_is_named_with_what_to_do() -> None:
    finished = run_with("sys.modules['cv2'] = None")
    assert finished.returncode == 2
    assert "cv2 is not installed" in finished.stderr
    assert "next: activate the environment" in finished.stderr
    assert "Traceback" not in finished.stderr


def test_ctrl_c_while_loading_ends_without_a_traceback() -> None:
    interrupting = (
        "class Interrupting:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'edge_irdet.cli':\n"
        "            raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Interrupting())"
    )
    finished = run_with(interrupting)
    assert (finished.returncode, finished.stderr) == (130, "interrupted\n")
