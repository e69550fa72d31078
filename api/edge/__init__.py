"""What every door of the serving program shares: its log, its measures, and how much each caller may ask for."""
