"""Views of the console: a declared read and its answer become cells, forms, events and pages for templates."""
