using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Runtime.CompilerServices;
using NativeMm.Diagnostics;

namespace NativeMm.Zsmalloc;

/// <content>Callers' mistakes, named precisely.</content>
internal sealed unsafe partial class ZsAllocator<TLocking, TStatistics, TPause>
{
    /// <inheritdoc/>
    [DoesNotReturn]
    [MethodImpl(MethodImplOptions.NoInlining)]
    public override void ThrowFreedWhileUsed(ZsHandle handle) => MemoryFault.Throw(
        MemoryFaultKind.UseAfterFree,
        0,
        $"Use after free: the object of handle {handle} was freed while it was being read or written. Its last user must free it.");

    [DoesNotReturn]
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void ThrowNotAllocatable(int bytes)
    {
        ThrowIfReleased();
        throw new ArgumentOutOfRangeException(
            nameof(bytes), bytes, string.Create(CultureInfo.InvariantCulture, $"An object has 1 to {ZsPool.ObjectBytesMax} bytes, not {bytes}."));
    }

    [DoesNotReturn]
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void ThrowForeign(ZsHandle handle)
    {
        ThrowIfReleased();
        MemoryFault.Throw(
            MemoryFaultKind.ForeignHandle,
            0,
            handle.IsNone
                ? $"Foreign handle: it is none. Pool '{_options.Name}' was asked for an object that was never made."
                : $"Foreign handle: {handle} does not belong to pool '{_options.Name}'. It came from another pool, or it was damaged.");
    }

    [DoesNotReturn]
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void ThrowStale(ZsHandle handle)
    {
        if ((GenerationOf(handle) & 1) == 0)
        {
            ThrowForeign(handle);
        }

        MemoryFault.Throw(
            MemoryFaultKind.StaleHandle,
            0,
            $"Stale handle: the object of {handle} in pool '{_options.Name}' is freed already. Two owners freed it, or it is used after its end.");
    }

    [DoesNotReturn]
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void ThrowWriteOutside(ZsHandle handle, int bytes, int length, int offset) =>
        throw new ArgumentOutOfRangeException(
            nameof(offset),
            offset,
            string.Create(
                CultureInfo.InvariantCulture,
                $"The object of handle {handle} has {bytes} bytes; {length} bytes at offset {offset} do not fit. The offset is 0 to {bytes} less the length."));

    [DoesNotReturn]
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void ThrowScratchTooShort(ZsHandle handle, int bytes, ReadOnlySpan<byte> scratch) =>
        throw new ArgumentException(
            string.Create(
                CultureInfo.InvariantCulture,
                $"The scratch has {scratch.Length} bytes, but the object of handle {handle} has {bytes}. {ZsPool.ObjectBytesMax} bytes are enough for any."),
            nameof(scratch));

    private void ThrowIfReleased() => ObjectDisposedException.ThrowIf(_liveTag == uint.MaxValue, typeof(ZsPool));
}
