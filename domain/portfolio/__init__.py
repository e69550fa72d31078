"""Portfolio (资产组合): a lessor's exposures and the limits that supervision sets them."""
