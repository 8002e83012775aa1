using System.Runtime.CompilerServices;
using Xunit;

namespace NativeMm.Tests.Concurrency.Reporting;

/// <summary>Memory in which no two words are alike, so that a page that was lost, moved or written to by another is seen.</summary>
/// <param name="address">First byte, aligned to 8.</param>
/// <param name="bytes">A multiple of 8.</param>
/// <param name="stamp">Another one for each piece of memory.</param>
internal readonly unsafe struct LiveContent(nint address, int bytes, uint stamp)
{
    private const ulong Odd = 0x9e37_79b9_7f4a_7c15;

    /// <summary>First byte.</summary>
    public nint Address => address;

    private ulong First => ((ulong)stamp << 32) | 1;

    /// <summary>Writes all of it.</summary>
    public void Write()
    {
        ulong* words = (ulong*)address;
        for (int i = 0; i < bytes / sizeof(ulong); i++)
        {
            words[i] = First + ((ulong)i * Odd);
        }
    }

    /// <summary>Reads all of it and fails the test when a word is not what was written.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void AssertUnchanged()
    {
        ulong* words = (ulong*)address;
        for (int i = 0; i < bytes / sizeof(ulong); i++)
        {
            ulong expected = First + ((ulong)i * Odd);
            if (words[i] != expected)
            {
                Assert.Fail($"Word {i} of {bytes} bytes of live memory at {address:x} is {words[i]:x}, not {expected:x}.");
            }
        }
    }
}
