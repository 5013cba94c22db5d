"""The command `ninedata-precheck`: starts a precheck from a pipeline, waits for it, hands its id to the exporter."""
