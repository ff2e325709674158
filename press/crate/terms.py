"""Names and addresses that the profiles prescribe, for whoever writes a crate and whoever reads."""

from __future__ import annotations

METADATA = "ro-crate-metadata.json"
ROOT = "./"
BASE = "https://w3id.org/ro/crate/1.1"
WORKFLOW_CRATE = "https://w3id.org/workflowhub/workflow-ro-crate/1.0"
PROCESS_RUN = "https://w3id.org/ro/wfrun/process/0.5"
WORKFLOW_RUN = "https://w3id.org/ro/wfrun/workflow/0.5"
RUN_TERMS = "https://w3id.org/ro/terms/workflow-run"
CONTEXT = [f"{BASE}/context", f"{RUN_TERMS}/context"]
PROFILES = {
    PROCESS_RUN: ("Process Run Crate", "0.5"),
    WORKFLOW_RUN: ("Workflow Run Crate", "0.5"),
    WORKFLOW_CRATE: ("Workflow RO-Crate", "1.0"),
}
WORKFLOW_TYPES = ["File", "SoftwareSourceCode", "ComputationalWorkflow"]
COMPLETED = "http://schema.org/CompletedActionStatus"

# where the parts of a run lie in its crate
RECORD = "record.json"
NOTEBOOK = "notebook.ipynb"
SOURCE = "source.ipynb"
PARAMETERS = "parameters.json"
CODE = "code/"  # laid out as a checkout is
