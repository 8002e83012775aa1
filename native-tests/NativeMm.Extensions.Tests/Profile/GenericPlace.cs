using System.Runtime.CompilerServices;
using NativeMm.Heap;

namespace NativeMm.Extensions.Tests.Profile;

/// <summary>A generic method of a generic type that allocates.</summary>
internal static unsafe class GenericPlace<T>
{
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void Allocate<U>(NativeHeap heap)
    {
        for (int i = 0; i < 1000; i++)
        {
            heap.Alloc(1000);
        }
    }
}
