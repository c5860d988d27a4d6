"""Plug-ins that are known for a while: afterwards they are as if they had never been loaded."""

import sys
from contextlib import contextmanager

from attnbench import plugins
from attnbench.registry import ATTENTIONS


@contextmanager
def plugins_forgotten(*sources):
    """Load these plug-ins; at the end forget them, and whatever else was loaded meanwhile."""
    known, loaded, modules = set(ATTENTIONS.names()), plugins._loaded_plugins[:], set(sys.modules)
    for source in sources:
        plugins.load_plugin(source)
    yield
    for name in set(ATTENTIONS.names()) - known:
        del ATTENTIONS._entries[name]
    # A module that stays would not register its attentions when it is loaded again.
    for name in set(sys.modules) - modules:
        if name.startswith(plugins.PLUGIN_MODULE):
            del sys.modules[name]
    plugins._loaded_plugins[:] = loaded
