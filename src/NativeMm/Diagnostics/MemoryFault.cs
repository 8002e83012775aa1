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

    /// <summary>A block is freed to another heap than the one it came from.</summary>
    [DoesNotReturn]
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void ThrowWrongHeap(nuint address, string owner, string given) => Throw(
        MemoryFaultKind.WrongHeap,
        address,
        $"Wrong heap: the block at {Hex(address)} belongs to {owner} and was handed to {given}. Free it where it was allocated.");

    /// <summary>A block is handed back with another size than it has.</summary>
    [DoesNotReturn]
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void ThrowWrongSize(nuint address, nuint givenBytes, nuint blockBytes) => Throw(
        MemoryFaultKind.WrongSize,
        address,
        $"Wrong size: the block at {Hex(address)} has {Text(blockBytes)} bytes and was handed back with {Text(givenBytes)}. "
        + "Free it with the size of its allocation.");

    /// <summary>Bytes beside a block were written.</summary>
    /// <param name="address">The block.</param>
    /// <param name="blockBytes">Its length.</param>
    /// <param name="damaged">The first damaged byte.</param>
    [DoesNotReturn]
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void ThrowOverrun(nuint address, nuint blockBytes, nuint damaged) => Throw(
        MemoryFaultKind.Overrun,
        address,
        damaged < address
            ? $"Underrun: {Text(address - damaged)} bytes before the block of {Text(blockBytes)} bytes at {Hex(address)} were written to."
            : $"Overrun: byte {Text(damaged - address)} was written to, but the block at {Hex(address)} has only {Text(blockBytes)} bytes.");

    /// <summary>A block was written after it was freed.</summary>
    /// <param name="address">The block.</param>
    /// <param name="damaged">The first damaged byte.</param>
    [DoesNotReturn]
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void ThrowUseAfterFree(nuint address, nuint damaged) => Throw(
        MemoryFaultKind.UseAfterFree,
        address,
        $"Use after free: byte {Text(damaged - address)} of the block at {Hex(address)} was written after the block was freed.");

    /// <summary>Blocks are left when their heap goes.</summary>
    [DoesNotReturn]
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void ThrowLeak(string owner, ulong blocks, ulong bytes) => Throw(
        MemoryFaultKind.Leak,
        0,
        string.Create(CultureInfo.InvariantCulture, $"Leak: {blocks} blocks of {bytes} bytes in all were still allocated when {owner} was disposed."));

    /// <summary>Any mistake, with a message of the caller's own.</summary>
    [DoesNotReturn]
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void Throw(MemoryFaultKind kind, nuint address, string message)
    {
        NativeMmEventSource.Log.MemoryFault(kind.ToString(), address, message);
        throw new MemoryFaultException(kind, address, message);
    }

    private static string Hex(nuint address) => string.Create(CultureInfo.InvariantCulture, $"0x{address:x}");

    private static string Text(nuint number) => number.ToString(CultureInfo.InvariantCulture);
}
