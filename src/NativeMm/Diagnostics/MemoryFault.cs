using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Runtime.CompilerServices;

namespace NativeMm.Diagnostics;

/// <summary>
/// Stops a caller's mistake: names it, says what to look for, leaves an event, and throws. Kept out of line, so that the check before it is one
/// compare and one jump.
/// </summary>
internal static class MemoryFault
{
    /// <summary>A block is freed that is free already.</summary>
    [DoesNotReturn]
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void ThrowDoubleFree(nuint address) => Throw(
        MemoryFaultKind.DoubleFree,
        address,
        $"Double free: the block at {Hex(address)} is free already. Two owners freed it, or one freed it twice.");

    /// <summary>A pointer into a block is freed.</summary>
    [DoesNotReturn]
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void ThrowNotBlockStart(nuint address, nuint blockStart, nuint blockBytes) => Throw(
        MemoryFaultKind.NotBlockStart,
        address,
        $"Not the start of a block: {Hex(address)} lies {Text(address - blockStart)} bytes into the block of {Text(blockBytes)} bytes at "
        + $"{Hex(blockStart)}. Free the pointer that the allocation gave.");

    /// <summary>A pointer that no allocator here gave out is freed.</summary>
    [DoesNotReturn]
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void ThrowForeignPointer(nuint address, string owner) => Throw(
        MemoryFaultKind.ForeignPointer,
        address,
        $"Foreign pointer: {Hex(address)} does not belong to {owner}. It came from another allocator, the stack or a managed object, or it was damaged.");

    /// <summary>Any mistake, with a message of the caller's own.</summary>
    [DoesNotReturn]
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void Throw(MemoryFaultKind kind, nuint address, string message) => throw Make(kind, address, message);

    /// <summary>Counts a mistake, leaves an event, and makes the exception. Not for callers that hold a lock: the event has listeners.</summary>
    public static MemoryFaultException Make(MemoryFaultKind kind, nuint address, string message)
    {
        NativeMmEventSource.Log.MemoryFault(kind, address, message);
        return new MemoryFaultException(kind, address, message);
    }

    /// <summary>Counts a mistake and makes the exception, without an event: for callers that may hold a lock.</summary>
    public static MemoryFaultException MakeQuietly(MemoryFaultKind kind, nuint address, string message)
    {
        MemoryFaultCounts.Add(kind);
        return new MemoryFaultException(kind, address, message);
    }

    private static string Hex(nuint address) => string.Create(CultureInfo.InvariantCulture, $"0x{address:x}");

    private static string Text(nuint number) => number.ToString(CultureInfo.InvariantCulture);
}
