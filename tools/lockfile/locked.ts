/** As much of package-lock.json as matters here: where a package stands → what it is. */
export type Locked = Record<
  string,
  {
    version?: string;
    license?: string;
    integrity?: string;
    link?: boolean;
    dev?: boolean;
    optional?: boolean;
    hasInstallScript?: boolean;
    os?: string[];
    cpu?: string[];
    libc?: string[];
    dependencies?: Record<string, string>;
    optionalDependencies?: Record<string, string>;
  }
>;
