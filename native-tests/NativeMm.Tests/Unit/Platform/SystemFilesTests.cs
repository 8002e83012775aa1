using System.Runtime.ExceptionServices;
using NativeMm.Platform;
using Xunit;

namespace NativeMm.Tests.Unit.Platform;

public sealed class SystemFilesTests
{
    /// <summary>Most of what is asked for of control groups is not there, and the first exception of a process takes longer than all else that its start does.</summary>
    [Fact]
    public void A_file_that_is_missing_is_no_exception()
    {
        int thrown = 0;
        int here = Environment.CurrentManagedThreadId;
        void Count(object? sender, FirstChanceExceptionEventArgs args) => thrown += Environment.CurrentManagedThreadId == here ? 1 : 0;
        AppDomain.CurrentDomain.FirstChanceException += Count;
        try
        {
            Assert.Null(SystemFiles.Real.ReadText("/no-such-folder/no-such-file"));
            Assert.Null(SystemFiles.Real.ReadText("/"));
        }
        finally
        {
            AppDomain.CurrentDomain.FirstChanceException -= Count;
        }

        Assert.Equal(0, thrown);
    }

    [Fact]
    public void A_file_that_is_there_is_read_without_the_white_space_at_its_end()
    {
        string path = Path.GetTempFileName();
        File.WriteAllText(path, "max 100000\n");
        Assert.Equal("max 100000", new SystemFiles("").ReadText(path));
        File.Delete(path);
    }
}
