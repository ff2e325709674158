"""Make canonical_json.json: the published test data of RFC 8785.

    git clone https://github.com/cyberphone/json-canonicalization
    python tests/golden/make_canonical_json.py json-canonicalization/testdata

Of the RFC's authors, at commit 19d51d7, Apache-2.0: texts before and after; the doubles of the
number test, of which the first are a list and the others a rule; and the sha256 of the lines
`bits,text` that a right implementation writes for them.
"""

import json
import re
import sys
from pathlib import Path

folder = Path(sys.argv[1])
page = (folder / "README.md").read_text("utf-8")
golden = {
    "command": __doc__,
    "texts": {
        path.stem: [path.read_text("utf-8"), (folder / "output" / path.name).read_text("utf-8")]
        for path in sorted((folder / "input").glob("*.json"))
    },
    "bits": re.findall(r"0x([0-9a-f]{16})n[,\s]", page.split("staticF64s")[0]),
    "sha256_of_first_lines": {
        lines: digest
        for digest, lines in re.findall(r"\| ([0-9a-f]{64}) \| (\d+) ", page)
        if len(lines) <= 5
    },
}
Path(__file__).with_name("canonical_json.json").write_text(json.dumps(golden, indent=0) + "\n")
