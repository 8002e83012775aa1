using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using NativeMm.Diagnostics;
using NativeMm.Primitives;

namespace NativeMm.Frames;

/// <summary>The mistakes of those who give frames back, named precisely. Never inlined: they are not part of any hot path. Some are thrown under the allocator's lock.</summary>
internal static unsafe class FrameFault
{
    [DoesNotReturn]
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void ThrowNotABlock(FrameZone zone, Pfn frame, Order order)
    {
        if (frame.Value >= zone.FrameCount || zone.FrameCount - frame.Value < order.Frames)
        {
            throw MemoryFault.MakeQuietly(
                MemoryFaultKind.ForeignPointer,
                0,
                $"Frame {frame} with order {order} was freed, but the zone has {zone.FrameCount} frames: it belongs to another zone, or the number is damaged.");
        }

        throw MemoryFault.MakeQuietly(
            MemoryFaultKind.NotBlockStart,
            (nuint)zone.AddressOf(frame),
            $"Frame {frame} was freed with order {order}, but blocks of that order begin at multiples of {order.Frames}: it lies inside a block, or the order is wrong.");
    }

    [DoesNotReturn]
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void ThrowDoubleFree(FrameZone zone, Pfn frame, Order order) =>
        throw MemoryFault.MakeQuietly(
            MemoryFaultKind.DoubleFree,
            (nuint)zone.AddressOf(frame),
            $"Frame {frame} was freed with order {order}, but it is free already: it was freed twice, or never allocated.");

    [DoesNotReturn]
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void ThrowUnderReport(FrameZone zone, Pfn frame, Order order) =>
        throw MemoryFault.MakeQuietly(
            MemoryFaultKind.DoubleFree,
            (nuint)zone.AddressOf(frame),
            $"Frame {frame} was freed with order {order}, but it is free already, and under report at this moment: it was freed twice.");

    [DoesNotReturn]
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void ThrowWrongOrder(FrameZone zone, Pfn frame, Order order) =>
        throw MemoryFault.MakeQuietly(
            MemoryFaultKind.WrongSize,
            (nuint)zone.AddressOf(frame),
            $"Frame {frame} was freed with order {order}, but it was not allocated with that order.");

    [DoesNotReturn]
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void ThrowNotIsolated(FrameZone zone, Pfn frame, Order order) =>
        throw MemoryFault.MakeQuietly(
            MemoryFaultKind.WrongSize,
            (nuint)zone.AddressOf(frame),
            $"Frame {frame} was put back with order {order}, but it was not isolated with that order, or it was freed once more while it was under report.");
}
