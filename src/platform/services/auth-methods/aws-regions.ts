export type AwsPartition = "aws" | "aws-us-gov" | "aws-cn";

export interface AwsRegion {
  name: string;
  partition: AwsPartition;
  /** Of its Security Token Service. */
  stsHost: string;
}

const SUFFIX: Record<AwsPartition, string> = {
  aws: "amazonaws.com",
  "aws-us-gov": "amazonaws.com",
  "aws-cn": "amazonaws.com.cn",
};

/** AWS's list of regions; a name that is not on it reaches no host. */
const REGIONS: Record<AwsPartition, string> = {
  aws: `us-east-1 us-east-2 us-west-1 us-west-2 ca-central-1 ca-west-1 mx-central-1 sa-east-1
    eu-central-1 eu-central-2 eu-north-1 eu-south-1 eu-south-2 eu-west-1 eu-west-2 eu-west-3
    af-south-1 il-central-1 me-central-1 me-south-1
    ap-east-1 ap-east-2 ap-northeast-1 ap-northeast-2 ap-northeast-3 ap-south-1 ap-south-2
    ap-southeast-1 ap-southeast-2 ap-southeast-3 ap-southeast-4 ap-southeast-5 ap-southeast-6 ap-southeast-7`,
  "aws-us-gov": "us-gov-east-1 us-gov-west-1",
  "aws-cn": "cn-north-1 cn-northwest-1",
};

const BY_NAME = new Map(
  (["aws", "aws-us-gov", "aws-cn"] as const).flatMap((partition) =>
    REGIONS[partition].split(/\s+/).map((name): [string, AwsRegion] => {
      return [name, { name, partition, stsHost: `sts.${name}.${SUFFIX[partition]}` }];
    }),
  ),
);

export function findAwsRegion(name: string): AwsRegion | undefined {
  return BY_NAME.get(name);
}
