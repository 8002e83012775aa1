using System.Net.Sockets;
using NativeMm.Service;
using NativeMm.Service.Loading;
using NativeMm.Service.Serving;

// A service that is a cache, and who loads it, each in a process of its own:
//   serve --store managed|hybrid|nativemm --limit BYTES     says in a line of JSON where it listens; ends when its standard input does
//   load --port PORT --bytes BYTES …                        says in lines of JSON how the phases went; see LoadOptions
try
{
    var arguments = new Arguments(args);
    switch (args.FirstOrDefault())
    {
        case "serve":
            await ServiceHost.RunAsync(StoreKindText.Parse(arguments.Text("store", "nativemm")), arguments.Number("limit", 1L << 30, 1L << 20, 1L << 43));
            return 0;
        case "load":
            return await LoadRun.RunAsync(LoadOptions.From(arguments)) ? 0 : 1;
        default:
            throw new ArgumentException("The first argument is serve or load.");
    }
}
catch (ArgumentException wrong)
{
    await Console.Error.WriteLineAsync(wrong.Message);
    return 2;
}
catch (Exception failure) when (failure is InvalidDataException or IOException or SocketException)
{
    await Console.Error.WriteLineAsync(failure.Message);
    return 1;
}
