"""The resolver of DOIs, and Zenodo, to which a DOI leads here."""

from __future__ import annotations

from tests.access.hosts import zenodo
from tests.access.hosts.fake import Ask, Reply, in_json


class Host(zenodo.Host):
    NAME = "doi"
    REF = "10.71718/elsewhere.1"
    SECRET = {}
    SEES_SECRET = ()
    RESTRICTED = None
    ADDRESSES = {
        "https://doi.org/10.71718/abc": "10.71718/abc",
        "http://dx.doi.org/10.5566/ias.1155": "10.5566/ias.1155",
        "https://doi.org/10.1038/S41467-020-15948-9": "10.1038/s41467-020-15948-9",
        "doi:10.1016/j.media.2014.01.010": "10.1016/j.media.2014.01.010",
        "DOI: 10.1016/j.media.2014.01.010": "10.1016/j.media.2014.01.010",
        "10.1007/978-3-319-10404-1_1": "10.1007/978-3-319-10404-1_1",
        "https://www.doi.org/10.1117/12.2007940?x=1": "10.1117/12.2007940",
        "https://doi.org/10.1002%2Fmp.14782": "10.1002/mp.14782",
        "https://doi.org/10.3390/data4030109.": "10.3390/data4030109",
        "https://commons.datacite.org/doi.org/10.5522/99.1": "10.5522/99.1",
    }
    NOT_MINE = ("https://doi.org/", "https://doi.org/abc", "10.5", "https://x.org/10.1002/mp.14782")

    def reply(self, ask: Ask) -> Reply | None:
        if ask.origin == "https://doi.org":
            if ask.path != f"/api/handles/{self.REF}":
                return in_json({"responseCode": 100, "handle": "x"}, 404)
            values = [
                {"index": 100, "type": "HS_ADMIN", "data": {"format": "admin", "value": {}}},
                {
                    "index": 1,
                    "type": "URL",
                    "data": {"format": "string", "value": f"https://zenodo.org/record/{self.NUMBER}"},
                },
            ]
            return in_json({"responseCode": 1, "handle": self.REF, "values": values})
        return super().reply(ask)
