using NativeMm.Diagnostics;
using NativeMm.Platform;

namespace NativeMm.Frames;

/// <summary>
/// Reserved memory that belongs to a zone: its frames, or a record for each run of frames. It is opened along with the frames, so that what nobody used yet is
/// address space alone. Not thread-safe; the zone opens it under its lock.
/// </summary>
/// <param name="address">First byte.</param>
/// <param name="recordBytes">Bytes of one record.</param>
/// <param name="framesShift">log2 of the frames that share a record.</param>
/// <param name="bytes">Length of the whole array.</param>
internal sealed class ZoneArray(nuint address, nuint recordBytes, int framesShift, nuint bytes)
{
    private nuint _openedBytes;

    /// <summary>First byte.</summary>
    public nuint Address => address;

    /// <summary>Length in bytes.</summary>
    public nuint Bytes => bytes;

    /// <summary>Bytes that are open, in whole pages.</summary>
    public nuint OpenedBytes => _openedBytes;

    /// <summary>The array that the zone opens after this one.</summary>
    public ZoneArray? Next { get; set; }

    /// <summary>Length of an array for so many frames.</summary>
    public static nuint BytesFor(uint frames, nuint recordBytes, int framesShift) => (nuint)(((ulong)frames + (1u << framesShift) - 1) >> framesShift) * recordBytes;

    /// <summary>Opens the records of all frames below one.</summary>
    public PlatformResult Open(IMemoryPlatform platform, uint frames)
    {
        Invariant.Assert(BytesFor(frames, recordBytes, framesShift) <= bytes, $"An array of {bytes} bytes is opened for {frames} frames.");
        nuint page = platform.PageBytes;
        nuint end = (BytesFor(frames, recordBytes, framesShift) + page - 1) & ~(page - 1);
        if (end <= _openedBytes)
        {
            return PlatformResult.Success;
        }

        PlatformResult result = platform.Open(address + _openedBytes, end - _openedBytes);
        _openedBytes = result.Succeeded ? end : _openedBytes;
        return result;
    }
}
