"""One small thing to ask of each real host; tests/access/test_live_examples.py sees to it that none is made up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

SHELF = "the shelf"
"""The reference stands in a record of the catalogue, or in its index of the Imaging Data Commons."""


@dataclass(frozen=True)
class Example:
    """What is asked, and what has to come of it without credentials."""

    ref: str
    expects: Literal["bytes", "need", "either"]
    """``bytes``: a listing and a byte; ``need``: what a person has to do; ``either`` where the host's owner may decide
    otherwise tomorrow."""
    source: str = SHELF
    """Where the reference was read."""


EXAMPLES = (
    Example("zenodo:22304", "bytes"),
    Example("figshare:11857698", "bytes"),
    Example("dryad:10.5061/dryad.mj76c", "need"),
    Example("mendeley:jctsfj2sfn/1", "bytes"),
    Example("osf:file/23hgq", "bytes"),
    Example("dataverse:dataverse.nl/doi:10.34894/AECRSD", "bytes"),
    Example("girder:humanheart-project.creatis.insa-lyon.fr/database/collection/6373703d73e9f0047faa1bc8", "either"),
    Example(
        "nextcloud:oc.embl.de/43iMotlXPyAB39z", "bytes",
        "torch-em's copy of SNEMI3D, note of its record: https://oc.embl.de/index.php/s/43iMotlXPyAB39z/download",
    ),
    Example("huggingface:WuBiao/BHSD@main/label_192.zip", "bytes"),
    Example("github:HiLab-git/WORD@main/WORD_V0.1.0_labelsTs.zip", "bytes"),
    Example("google_drive:15VkJdq5eyWIkfb_aoD3oS8i4tScbHYky", "bytes"),
    Example("kaggle:ignaciorlando/ussimandsegm", "either"),
    Example("synapse:syn25829067", "need"),
    Example("physionet:mitdb/1.0.0/100.dat", "bytes", "WFDB's own database: https://physionet.org/files/mitdb/1.0.0/"),
    Example("physionet:ct-ich/1.3.1", "need"),
    Example("dropbox:s/k88qukc20ljnbuo/PH2Dataset.rar", "bytes"),
    Example(
        "box:nihcc.box.com/shared/static/vfk49d74nhbxq3nqjg0900w5nvkorp5c.gz", "bytes",
        "links in the makers' download script, as many programs repeat them: images_001.tar.gz of NIH ChestX-ray14",
    ),
    Example("box:nihcc.app.box.com/v/DeepLesion", "need"),
    Example(
        "onedrive:connecthkuhk-my.sharepoint.com/:f:/g/personal/loumeng_connect_hku_hk/"
        "Ev1W6Br6uLNFnqaZxyfe7jcBh_V_DLapq4qKv-HyZ0qGnA?e=PyOB23", "need",
    ),
    Example("idc:1.2.826.0.1.3680043.8.498.34843155371214847225747170537064945568", "bytes"),
    Example("tcia:collection/ct-org", "either"),
    Example("openneuro:ds000102", "bytes", "a test of bids2table counts the files of s3://openneuro.org/ds000102"),
    Example(
        "isic:image/ISIC_0024306", "bytes",
        "first image of HAM10000; https://api.isic-archive.com/api/v2/images/ISIC_0024306/ in several programs",
    ),
    Example("s3:ai2-s2-medicat@us-west-2/2020-10-05/subcaption_split_keys.json", "bytes"),
    Example(
        "gcs:idc-open-data/d3fa3fd7-0186-446c-9464-1d4fa077ec1e/", "bytes",
        "folder of a series in the shelf's index; idc-index: the bucket has the same name at Google",
    ),
    Example("ftp:ftp.ncbi.nlm.nih.gov/README.ftp", "bytes", "the greeting of that server names it"),
    Example("doi:10.13026/4nae-zg36", "either"),
    Example("http:https://data.broadinstitute.org/bbbc/BBBC039/metadata.zip", "bytes"),
)  # fmt: skip

NOT_ASKED = {
    "grand_challenge": "its archives are shown only to those whom their editors let in",
    "manual": "it asks nothing over the network",
}
"""Hosts without an example, and why."""
