namespace NativeMm.Platform;

/// <summary>How many processors the process can keep busy.</summary>
internal static class CpuShare
{
    private static readonly Lazy<int> s_cores = new(() => Read(SystemFiles.Real, Environment.ProcessorCount), LazyThreadSafetyMode.PublicationOnly);

    /// <summary>Of the running system, as it was when it was first asked for. The first call reads files.</summary>
    public static int Cores => s_cores.Value;

    /// <summary>Processors that the process may use, or fewer when its control groups give it less time than that; a part of one counts as one.</summary>
    /// <param name="files">Where the limits of the control groups are.</param>
    /// <param name="processors">Processors that it may run on.</param>
    internal static int Read(SystemFiles files, int processors)
    {
        double quota = ControlGroup.Read(files).CpuQuota ?? processors;
        return int.Clamp((int)Math.Ceiling(Math.Min(quota, processors)), 1, processors);
    }
}
