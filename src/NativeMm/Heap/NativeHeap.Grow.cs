using NativeMm.Diagnostics;

namespace NativeMm.Heap;

/// <content>
/// A run that grows where it lies. A program that lengthens one buffer would otherwise leave a run of each size behind it, and copy into the next.
/// </content>
public sealed unsafe partial class NativeHeap
{
    /// <summary>Makes a run a block of the class for so many bytes, if the frames behind it are free. The caller holds the block, and no guard and no lock.</summary>
    /// <param name="block">A live block of this heap.</param>
    /// <param name="usable">The bytes that it holds.</param>
    /// <param name="byteCount">The bytes that it should hold.</param>
    /// <returns>Whether it holds them now. No for what is not a run, or not longer.</returns>
    private bool TryGrowRun(nuint block, nuint usable, nuint byteCount)
    {
        // A profile counts what is allocated when it is allocated, and here nothing is.
        if (usable <= SlabSpace.GranuleBytes / 2 || byteCount <= usable || byteCount > SizeClass.BytesMax || _profile is not null || !_space.Contains(block))
        {
            return false;
        }

        uint sizeClass = _space.OwnerOf(block) ^ _tag;
        uint granule = (uint)((block - _space.BaseAddress) >> SlabSpace.GranuleShift);
        var wanted = SizeClass.ForBytes(byteCount);
        if (sizeClass >= (uint)wanted.Value || _space.AddressOf(granule) != block)
        {
            return false;
        }

        Invariant.Assert(
            SlabGeometry.Of(wanted).IsRun && SlabGeometry.Of(wanted).BlockBytes >= byteCount, $"A run of class {sizeClass} grows to class {wanted.Value} for {byteCount} bytes.");

        // Counted there before anybody can find it there, who may free it by mistake.
        _depots[wanted.Value].ExpectRun();
        if (_depots[sizeClass].TryLetRunGrow(granule, wanted))
        {
            return true;
        }

        _depots[wanted.Value].ExpectRunNoMore();
        return false;
    }
}
