"""Amazon S3: a bucket that everybody may list, one that nobody may, and where each is."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from urllib.parse import quote_plus
from xml.sax.saxutils import escape

from tests.access.hosts.fake import Ask, FakeHost, Reply, in_bytes


def listed(bucket: str, keys: Mapping[str, bytes], ask: Ask) -> Reply:
    """Answer ListObjectsV2, two at a time: a server may give fewer than it is asked for."""
    found = sorted(key for key in keys if key.startswith(ask.query["prefix"]))
    start, most = int(ask.query.get("continuation-token", "0:")[:-1] or 0), min(2, int(ask.query["max-keys"]))
    here, more = found[start : start + most], start + most < len(found)
    body = (
        '<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
        f"<Name>{bucket}</Name><Prefix>{escape(quote_plus(ask.query['prefix'], '/'))}</Prefix><MaxKeys>{most}</MaxKeys>"
        f"<EncodingType>url</EncodingType><KeyCount>{len(here)}</KeyCount><IsTruncated>{str(more).lower()}</IsTruncated>"
    )
    if more:
        body += f"<NextContinuationToken>{start + most}:</NextContinuationToken>"
    for key in here:
        tag = hashlib.md5(keys[key], usedforsecurity=False).hexdigest()
        body += (
            f"<Contents><Key>{escape(quote_plus(key, '/'))}</Key><LastModified>2023-10-27T12:00:00.000Z</LastModified>"
            f"<ETag>&quot;{tag}&quot;</ETag><Size>{len(keys[key])}</Size><StorageClass>STANDARD</StorageClass></Contents>"
        )
    return Reply(200, (body + "</ListBucketResult>").encode(), {"Content-Type": "application/xml"})


def served(keys: Mapping[str, bytes], key: str, ask: Ask) -> Reply | None:
    """Answer GetObject and HeadObject."""
    if key not in keys:
        return error("NoSuchKey", 404)
    tag = hashlib.md5(keys[key], usedforsecurity=False).hexdigest()
    if ask.method == "HEAD":
        return Reply(200, b"", {"Content-Length": str(len(keys[key])), "ETag": f'"{tag}"'})
    return in_bytes(keys[key], ask, ETag=f'"{tag}"')


def error(code: str, status: int, **headers: str) -> Reply:
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>no</Message></Error>'
    return Reply(status, body.encode(), {"Content-Type": "application/xml", **headers})


class Host(FakeHost):
    NAME = "s3"
    REF = "some-data/folder 1/"
    CHECKSUM = "md5"
    IN_XML = True
    PAGED = True
    SMALL_PAGES = {}
    LOCATOR = "folder 1/readme.txt"
    REGION = "eu-central-1"
    ADDRESSES = {
        "s3://camelyon-dataset/CAMELYON16/": "camelyon-dataset/CAMELYON16/",
        "s3://physionet-open": "physionet-open",
        "https://msd-for-monai.s3-us-west-2.amazonaws.com/Task09_Spleen.tar": "msd-for-monai@us-west-2/Task09_Spleen.tar",
        "https://ai2-s2-medicat.s3.us-west-2.amazonaws.com/2020-10-05/a.jsonl": "ai2-s2-medicat@us-west-2/2020-10-05/a.jsonl",
        "https://isic-challenge-data.s3.amazonaws.com/2019/ISIC_2019_Training_Input.zip": "isic-challenge-data/2019/ISIC_2019_Training_Input.zip",
        "https://s3.amazonaws.com/fcp-indi/data/Projects/ABIDE_Initiative/": "fcp-indi/data/Projects/ABIDE_Initiative/",
        "http://s3.amazonaws.com/semanticsegmentation-v1/a.zip": "semanticsegmentation-v1/a.zip",
        "https://s3-eu-west-1.amazonaws.com/bucket.name/a/b%20c+d.zip": "bucket.name@eu-west-1/a/b c+d.zip",
        "https://s3.dualstack.us-east-2.amazonaws.com/some-data/x": "some-data@us-east-2/x",
        "https://physionet-open.s3.amazonaws.com/?list-type=2&prefix=mitdb/1.0.0/": "physionet-open/mitdb/1.0.0/",
        "https://s3.amazonaws.com/fcp-indi?prefix=data/": "fcp-indi/data/",
        "https://idc-open-data.s3.amazonaws.com/530a443b-2233-499f-8ba2-b9ad43658974/": "idc-open-data/530a443b-2233-499f-8ba2-b9ad43658974/",
        "https://kits19.sfo2.digitaloceanspaces.com/master_00000.nii.gz": "kits19@sfo2.digitaloceanspaces.com/master_00000.nii.gz",
    }
    NOT_MINE = (
        "https://x.s3.amazonaws.com/a?X-Amz-Signature=abc", "https://x.s3.amazonaws.com/a?versionId=1", "https://aws.amazon.com/s3",
        "https://x.s3-website-us-east-1.amazonaws.com/", "https://s3.amazonaws.com/", "https://s3.amazonaws.com.evil.example/x/y",
        "https://prod-dcd-datasets-cache-zipfiles.s3.eu-west-1.amazonaws.com/zr7vgbcyr2-1.zip", "s3://", "s3://a", "s3://a..b/c",
    )  # fmt: skip

    @property
    def keys(self) -> dict[str, bytes]:
        return {
            "folder 1/": b"",
            **{f"folder 1/{name}": data for name, data in self.files.items()},
            "folder 10/x": b"x",
        }

    def reply(self, ask: Ask) -> Reply | None:
        if ask.origin == "https://closed-data.s3.amazonaws.com":
            return error("AccessDenied", 403)
        if ask.origin == "https://some-data.s3.amazonaws.com":
            moved = {"x-amz-bucket-region": self.REGION}
            return (
                Reply(200, b"", moved)
                if ask.raw_path == "/" and ask.method == "HEAD"
                else error("PermanentRedirect", 301)
            )
        if ask.origin != f"https://some-data.s3.{self.REGION}.amazonaws.com":
            return None
        return listed("some-data", self.keys, ask) if "list-type" in ask.query else served(self.keys, ask.path[1:], ask)
