namespace NativeMm.Platform;

/// <summary>What the whole machine could hold at the very most.</summary>
internal static class MachineMemory
{
    /// <summary>
    /// The largest block that can ever be of use: the machine's memory and its swap space, as the kernel refuses to <c>malloc</c> what is above that. No limit
    /// where the administrator asked for none (<c>vm.overcommit_memory</c> is 1), or where it is not known.
    /// </summary>
    public static ulong BlockBytesMax { get; } = ReadBlockBytesMax(SystemFiles.Real);

    internal static ulong ReadBlockBytesMax(SystemFiles files)
    {
        string? memory = files.ReadText("/proc/meminfo");
        if (!SizeText.TryParse(SystemFiles.FindValue(memory, "MemTotal"), out ulong machine) || machine == 0
            || files.ReadText("/proc/sys/vm/overcommit_memory")?.Trim() == "1")
        {
            return ulong.MaxValue;
        }

        return SizeText.TryParse(SystemFiles.FindValue(memory, "SwapTotal"), out ulong swap) ? machine + swap : machine;
    }
}
