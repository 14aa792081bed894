"""From a record to its bytes: what is to come and what a person has to do, fetching it, adopting what is here.

`medshelf.fetch.plan.plan` says what there is, `medshelf.fetch.get.get` brings it, `medshelf.fetch.add.add` takes up
what somebody fetched by hand, and `medshelf.fetch.doctor.look` says what stands in the way.
"""
