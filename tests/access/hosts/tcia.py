"""The Cancer Imaging Archive: its site, with downloads of a collection that the Imaging Data Commons lacks."""

from __future__ import annotations

from urllib.parse import quote

from tests.access.hosts.fake import Ask, FakeHost, Reply, in_bytes, in_json

UPLOADS = "/wp-content/uploads/"


class Host(FakeHost):
    NAME = "tcia"
    REF = "collection/ct-org"
    FLAT = True
    LOCATOR = "series/1.2.3.4.5"
    PAGED = True
    SMALL_PAGES = {}
    ADDRESSES = {
        "https://www.cancerimagingarchive.net/collection/lctsc/": "collection/lctsc",
        "https://cancerimagingarchive.net/collection/C-NMC-2019": "collection/c-nmc-2019",
        "https://www.cancerimagingarchive.net/analysis-result/plethora/": "analysis-result/plethora",
        "https://doi.org/10.7937/K9/TCIA.2017.3R3FVZ08": "10.7937/k9/tcia.2017.3r3fvz08",
        "https://doi.org/10.25737/SZ96-ZG60": "10.25737/sz96-zg60",
        "10.7937/QVAZ-JA09": "10.7937/qvaz-ja09",
        "https://wiki.cancerimagingarchive.net/display/Public/LIDC-IDRI": "collection/lidc-idri",
        "https://wiki.cancerimagingarchive.net/display/Public/CT+Lymph+Nodes": "collection/ct-lymph-nodes",
        "https://www.cancerimagingarchive.net/wp-content/uploads/TCIA_CT_Lymph_Nodes_06-22-2015.tcia": "cancerimagingarchive.net/wp-content/uploads/TCIA_CT_Lymph_Nodes_06-22-2015.tcia",
        "https://wiki.cancerimagingarchive.net/download/attachments/68551327/NSCLC-Radiomics-OriginalCTs.tcia?api=v2": "wiki.cancerimagingarchive.net/download/attachments/68551327/NSCLC-Radiomics-OriginalCTs.tcia",
        "https://nlst.cancerimagingarchive.net/nbia-search/?CollectionCriteria=NLST": "collection/nlst",
        "https://nbia.cancerimagingarchive.net/nbia-search/?CollectionCriteria=LIDC-IDRI": "collection/lidc-idri",
        "https://nbia.cancerimagingarchive.net/nbia-api/services/v4/getImage?SeriesInstanceUID=1.2.3.4.5": "series/1.2.3.4.5",
    }
    NOT_MINE = (
        "https://www.cancerimagingarchive.net/", "https://www.cancerimagingarchive.net/data-usage-policies-and-restrictions",
        "https://wiki.cancerimagingarchive.net/display/Public/Data+Usage+Policies+and+Restrictions",
        "https://wiki.cancerimagingarchive.net/pages/viewpage.action?pageId=101941449", "https://doi.org/10.7937/",
        "https://www.cancerimagingarchive.net/wp-content/uploads/MED_ABD_LYMPH_MASKS.zip",
    )  # fmt: skip
    ACCESS = "Public"
    page_size = 2

    def reply(self, ask: Ask) -> Reply | None:
        if ask.where == "cancerimagingarchive.net/api/v2/collections/":
            return self.paged(ask, [{"id": 1, "slug": "other", "collection_doi": "10.7937/x", "collection_downloads": []},
                                    {"id": 2, "slug": "ct-org", "collection_doi": "10.7937/TCIA.2019.TT7F4V7O",
                                     "collection_downloads": [n + 10 for n in range(len(self.files))]}])  # fmt: skip
        if ask.where == "cancerimagingarchive.net/api/v2/analysis-results/":
            return self.paged(
                ask, [{"id": 3, "slug": "some-result", "result_doi": "10.7937/y", "collection_downloads": ["10"]}]
            )
        if ask.where == "cancerimagingarchive.net/api/v2/downloads/":
            wanted = ask.query["id"].split(",")
            return self.paged(
                ask, [one for n, name in enumerate(self.files) if str((one := self.entry(n, name))["id"]) in wanted]
            )
        if ask.origin == "https://www.cancerimagingarchive.net" and ask.path.startswith(UPLOADS):
            data = self.files.get(ask.path.removeprefix(UPLOADS))
            return None if data is None else in_bytes(data, ask)
        return None

    def paged(self, ask: Ask, found: list[object]) -> Reply:
        page, size = int(ask.query.get("page", 1)), self.page_size
        last = max(1, -(-len(found) // size))
        return in_json(
            {"results": found[(page - 1) * size : page * size], "page": page, "total_pages": last, "total": len(found)}
        )

    def entry(self, number: int, name: str) -> dict[str, object]:
        return {
            "id": number + 10, "download_title": f"Part {number}", "data_license": "CC BY 3.0", "download_access": self.ACCESS,
            "download_url": f"https://www.cancerimagingarchive.net{UPLOADS}{quote(name, safe='', errors='replace')}",
            "download_file": None, "download_size": "1.5", "download_size_unit": "gb",
        }  # fmt: skip
