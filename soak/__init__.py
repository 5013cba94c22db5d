"""A soak test: thousands of scrapes with faults in the mix, after which nothing may have grown."""
