"""The languages of the pages: texts are extracted from the sources, translated in locale/, and judged for being whole."""
