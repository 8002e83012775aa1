using System.Runtime.InteropServices;
using NativeMm.Tests.Support;

namespace NativeMm.Tests.Unit.Swap;

/// <summary>Pages in memory that a swap backend can take.</summary>
internal sealed unsafe class PageBlock : IDisposable
{
    public const int PageBytes = 4096;

    private byte* _memory;

    public PageBlock(int pages)
    {
        _memory = (byte*)NativeMemory.AlignedAlloc((nuint)(pages * PageBytes), PageBytes);
        Addresses = [.. Enumerable.Range(0, pages).Select(i => (nint)_memory + (i * PageBytes))];
        new Span<byte>(_memory, pages * PageBytes).Clear();
    }

    public nint[] Addresses { get; }

    public Span<byte> this[int page] => new((void*)Addresses[page], PageBytes);

    /// <summary>Fills each page with what its seed makes.</summary>
    public PageBlock Fill(Func<int, byte[]> content)
    {
        for (int i = 0; i < Addresses.Length; i++)
        {
            content(i).CopyTo(this[i]);
        }

        return this;
    }

    public static PageBlock Compressible(int pages, int seed) => new PageBlock(pages).Fill(i => SamplePages.Compressible(PageBytes, seed + i));

    public static PageBlock Incompressible(int pages, int seed) => new PageBlock(pages).Fill(i => SamplePages.Incompressible(PageBytes, seed + i));

    public void Dispose()
    {
        NativeMemory.AlignedFree(_memory);
        _memory = null;
    }
}
