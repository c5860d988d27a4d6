"""Other people's systems behind the project's contracts, as a plug-in of the suite.

Found through the entry-point group `attnbench.plugins`, the very road that a third party's
package takes.
"""

from attnbench.registry import Entry

ENTRIES: tuple[Entry, ...] = ()
