"""Every page for people, in Chromium: `table.py` lists them, `visitor.py` looks at one, `scene.py` is who and what is
on them."""
