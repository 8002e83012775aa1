using NativeMm.Primitives;
using NativeMm.Vmap;

namespace NativeMm.Buffers;

/// <summary>What the owners of mapped memory share.</summary>
internal static unsafe class MappedRange
{
    /// <summary>Gives a range back. An allocator that was disposed before took it along, so there is nothing left to do.</summary>
    /// <param name="vmap">Whose range it is.</param>
    /// <param name="address">Its first byte.</param>
    /// <param name="isMap">Whether it came from Map, otherwise from Alloc.</param>
    /// <param name="frames">Frames that the owner holds besides.</param>
    /// <param name="forgottenBytes">Bytes to count when nobody disposed the owner, 0 when somebody did.</param>
    public static void Release(VmapAllocator vmap, nuint address, bool isMap, ReadOnlySpan<Pfn> frames, nuint forgottenBytes)
    {
        if (forgottenBytes != 0)
        {
            ForgottenBuffers.Add(forgottenBytes);
        }

        // Owners and their runtime may be disposed in either order, for instance by a container of services.
        vmap.FreeUnlessDisposed((void*)address, isMap, frames);
    }
}
