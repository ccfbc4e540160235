"""How Sphinx builds these pages: `make docs`, without any network."""

from __future__ import annotations

import logging
import os
import sys
import warnings
from pathlib import Path

_DOCS = Path(__file__).resolve().parent
sys.path[:0] = [str(_DOCS.parent), str(_DOCS / "_extensions")]

# What libraries warn of when they are imported has nothing to do with the pages.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
warnings.filterwarnings("ignore", category=FutureWarning)
for _library in ("absl", "apache_beam"):
    logging.getLogger(_library).setLevel(logging.WARNING)

project = "sentiment"
extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "markdown_docstrings",
    "keras_signatures",
    "command_help",
    "folder_list",
    "offline",
]
exclude_patterns = ["_build"]
# Most blocks are what is typed in a shell, or printed.
highlight_language = "none"
# `--flag` and straight quotes stay as they are typed.
smartquotes = False

html_theme = "furo"
html_title = "sentiment"
html_copy_source = False
html_show_sourcelink = False
html_show_copyright = False
html_static_path = ["_static"]
html_css_files = ["own.css"]

myst_enable_extensions = ["deflist"]
# A heading can be linked as GitHub links it: `page.md#the-heading`.
myst_heading_anchors = 3

# Single backticks in docstrings are code, as in Markdown.
default_role = "code"
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
# A default shows as it is written (`features.PAD_ID`), not as a long value.
autodoc_preserve_defaults = True
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_rtype = False
napoleon_custom_sections = [
    ("Call arguments", "params_style"),
    ("Inputs", "params_style"),
    ("Output", "returns_style"),
    ("Outputs", "params_style"),
]
add_module_names = False
toc_object_entries_show_parents = "hide"

# Types in signatures are links where the page of the type is here. Those of Python, TFX and
# TensorFlow are explained elsewhere, and links to them would need the network.
nitpicky = True
nitpick_ignore_regex = [("py:.*", ".*")]
suppress_warnings = ["config.cache"]
