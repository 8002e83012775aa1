using System.Runtime.CompilerServices;
using NativeMm.Explorer.Machine;

namespace NativeMm.Explorer.Verbs;

/// <summary>The rewritten library says here that it reads or writes plain memory.</summary>
public static class Plain
{
    /// <summary>A read comes next.</summary>
    /// <param name="address">Where.</param>
    /// <param name="site">The place in the source, and in the upper half the number of bytes.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Read(nuint address, int site)
    {
        if (Execution.IsActive)
        {
            Races.Access(address, site, isWrite: false);
        }
    }

    /// <summary>A write comes next.</summary>
    /// <inheritdoc cref="Read"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Write(nuint address, int site)
    {
        if (Execution.IsActive)
        {
            Races.Access(address, site, isWrite: true);
        }
    }
}
