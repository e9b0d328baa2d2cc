"""The languages of the pages: texts are extracted from the sources, translated in locale/, judged for being whole."""
