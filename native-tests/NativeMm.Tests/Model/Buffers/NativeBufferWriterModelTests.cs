using System.Buffers;
using FsCheck;
using FsCheck.Fluent;
using NativeMm.Buffers;
using Xunit;

namespace NativeMm.Tests.Model.Buffers;

/// <summary>The writer does what a list does, for any sequence of calls.</summary>
public sealed class NativeBufferWriterModelTests
{
    [Fact]
    public void Any_sequence_of_writes_equals_a_list() =>
        Prop.ForAll(ArbMap.Default.ArbFor<int[]>(), Equals).QuickCheckThrowOnFailure();

    private static bool Equals(int[] steps)
    {
        var expected = new List<int>();
        using var writer = new NativeBufferWriter<int>();
        foreach (int step in steps)
        {
            switch (Math.Abs(step % 7))
            {
                case 0:
                    writer.ResetWrittenCount();
                    expected.Clear();
                    break;
                case 1:
                    using (NativeBuffer<int> detached = writer.ToOwner())
                    {
                        if (!detached.Span.SequenceEqual(expected.ToArray()))
                        {
                            return false;
                        }
                    }

                    expected.Clear();
                    break;
                default:
                    int[] elements = [.. Enumerable.Range(step, Math.Abs(step % 300) + 1)];
                    if ((step & 1) == 0)
                    {
                        writer.Write(elements);
                    }
                    else
                    {
                        elements.CopyTo(writer.GetMemory(elements.Length));
                        writer.Advance(elements.Length);
                    }

                    expected.AddRange(elements);
                    break;
            }

            if (!writer.WrittenSpan.SequenceEqual(expected.ToArray()) || writer.WrittenCount + writer.FreeCapacity != writer.Capacity)
            {
                return false;
            }
        }

        return true;
    }
}
