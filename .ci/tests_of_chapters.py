"""Of the seconds that the tests took, print how many went to tests that grow with the book.

Tests run side by side: by their report (JUnit's XML) they take more seconds together than pass.
With a third argument, a file, write there which files of tests took most.
"""

import sys
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

GROW = ("test_every_", "test_exercises")
SHOWN = 25
report, passed, *slowest = sys.argv[1:]
seconds, number = Counter(), Counter()
for case in ElementTree.parse(report).iter("testcase"):
    seconds[case.get("classname", "")] += float(case.get("time", 0))
    number[case.get("classname", "")] += 1
of_chapters = sum(s for name, s in seconds.items() if any(n in name for n in GROW))
print(round(float(passed) * of_chapters / max(seconds.total(), 1e-9)))
for path in slowest:
    rows = [f"{s:6.0f}  {name} ({number[name]})\n" for name, s in seconds.most_common(SHOWN)]
    Path(path).write_text("".join(rows), "utf-8")
