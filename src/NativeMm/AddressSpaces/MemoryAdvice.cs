namespace NativeMm.AddressSpaces;

/// <summary>What <see cref="AddressSpace.Advise"/> says about a range.</summary>
public enum MemoryAdvice
{
    /// <summary>It is used soon: its pages are made or brought back ahead of their first use (<c>MADV_WILLNEED</c>, <c>MADV_POPULATE_READ</c>).</summary>
    WillNeed,

    /// <summary>What it holds is not needed any more: its pages are freed, and read as zero from here on (<c>MADV_DONTNEED</c>).</summary>
    DoNotNeed,

    /// <summary>It is not used soon: its pages count as not touched, so that they leave at the next look unless they are touched again (<c>MADV_COLD</c>).</summary>
    Cold,

    /// <summary>Pages of 2 MiB are wanted (<c>MADV_HUGEPAGE</c>).</summary>
    HugePages,

    /// <summary>Pages of 4 KiB alone are wanted (<c>MADV_NOHUGEPAGE</c>).</summary>
    NoHugePages,
}
