"""In a fresh process: silent, and told to report to nobody before it is imported."""

import subprocess
import sys

SCRIPT = """
import warnings
warnings.simplefilter("error")
from medlib.systems.federation.quiet_flower import import_flower
import sys
assert "flwr" not in sys.modules
import_flower()
from flwr.supercore import telemetry
import logging
assert telemetry.FLWR_TELEMETRY_ENABLED == "0"
logging.getLogger("flwr").warning("not to be seen")
"""


def test_silent_and_without_telemetry(monkeypatch):
    for name in ("FLWR_TELEMETRY_ENABLED", "FLWR_DISABLE_UPDATE_CHECK"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PYTHONPATH", ":".join(sys.path))
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True)
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)
