"""`attnbench --version` answers without the heavy packages."""

import subprocess
import sys

import attnbench


def test_the_version_is_printed_and_loads_no_torch():
    program = (
        "import sys\nfrom attnbench.cli import main\n"
        "try:\n    main()\n"
        "finally:\n    assert not {'torch', 'pandas', 'numpy'} & set(sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"attnbench {attnbench.__version__}\n"
