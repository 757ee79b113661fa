// Vectors of BOLT 12: format-string-test.json, offers-test.json and signature-test.json of the BOLT repository (bolt12/).
#pragma once

namespace hh::lightning::vectors {

struct Text {
  const char* title;
  bool valid;
  const char* text;
};
inline constexpr Text format[] = {
    {"A complete string is valid", true, "lno1pqps7sjqpgtyzm3qv4uxzmtsd3jjqer9wd3hy6tsw35k7msjzfpy7nz5yqcnygrfdej82um5wf5k2uckyypwa3eyt44h6txtxquqh7lz5djge4afgfjn7k4rgrkuag0jsd5xvxg"},
    {"Uppercase is valid", true, "LNO1PQPS7SJQPGTYZM3QV4UXZMTSD3JJQER9WD3HY6TSW35K7MSJZFPY7NZ5YQCNYGRFDEJ82UM5WF5K2UCKYYPWA3EYT44H6TXTXQUQH7LZ5DJGE4AFGFJN7K4RGRKUAG0JSD5XVXG"},
    {"+ can join anywhere", true, "l+no1pqps7sjqpgtyzm3qv4uxzmtsd3jjqer9wd3hy6tsw35k7msjzfpy7nz5yqcnygrfdej82um5wf5k2uckyypwa3eyt44h6txtxquqh7lz5djge4afgfjn7k4rgrkuag0jsd5xvxg"},
    {"Multiple + can join", true, "lno1pqps7sjqpgt+yzm3qv4uxzmtsd3jjqer9wd3hy6tsw3+5k7msjzfpy7nz5yqcn+ygrfdej82um5wf5k2uckyypwa3eyt44h6txtxquqh7lz5djge4afgfjn7k4rgrkuag0jsd+5xvxg"},
    {"+ can be followed by whitespace", true, "lno1pqps7sjqpgt+ yzm3qv4uxzmtsd3jjqer9wd3hy6tsw3+  5k7msjzfpy7nz5yqcn+\nygrfdej82um5wf5k2uckyypwa3eyt44h6txtxquqh7lz5djge4afgfjn7k4rgrkuag0jsd+\r\n 5xvxg"},
    {"+ can be followed by whitespace, UPPERCASE", true, "LNO1PQPS7SJQPGT+ YZM3QV4UXZMTSD3JJQER9WD3HY6TSW3+  5K7MSJZFPY7NZ5YQCN+\nYGRFDEJ82UM5WF5K2UCKYYPWA3EYT44H6TXTXQUQH7LZ5DJGE4AFGFJN7K4RGRKUAG0JSD+\r\n 5XVXG"},
    {"Mixed case is invalid", false, "LnO1PqPs7sJqPgTyZm3qV4UxZmTsD3JjQeR9Wd3hY6TsW35k7mSjZfPy7nZ5YqCnYgRfDeJ82uM5Wf5k2uCkYyPwA3EyT44h6tXtXqUqH7Lz5dJgE4AfGfJn7k4rGrKuAg0jSd5xVxG"},
    {"+ must be surrounded by bech32 characters", false, "lno1pqps7sjqpgtyzm3qv4uxzmtsd3jjqer9wd3hy6tsw35k7msjzfpy7nz5yqcnygrfdej82um5wf5k2uckyypwa3eyt44h6txtxquqh7lz5djge4afgfjn7k4rgrkuag0jsd5xvxg+"},
    {"+ must be surrounded by bech32 characters", false, "lno1pqps7sjqpgtyzm3qv4uxzmtsd3jjqer9wd3hy6tsw35k7msjzfpy7nz5yqcnygrfdej82um5wf5k2uckyypwa3eyt44h6txtxquqh7lz5djge4afgfjn7k4rgrkuag0jsd5xvxg+ "},
    {"+ must be surrounded by bech32 characters", false, "+lno1pqps7sjqpgtyzm3qv4uxzmtsd3jjqer9wd3hy6tsw35k7msjzfpy7nz5yqcnygrfdej82um5wf5k2uckyypwa3eyt44h6txtxquqh7lz5djge4afgfjn7k4rgrkuag0jsd5xvxg"},
    {"+ must be surrounded by bech32 characters", false, "+ lno1pqps7sjqpgtyzm3qv4uxzmtsd3jjqer9wd3hy6tsw35k7msjzfpy7nz5yqcnygrfdej82um5wf5k2uckyypwa3eyt44h6txtxquqh7lz5djge4afgfjn7k4rgrkuag0jsd5xvxg"},
    {"+ must be surrounded by bech32 characters", false, "ln++o1pqps7sjqpgtyzm3qv4uxzmtsd3jjqer9wd3hy6tsw35k7msjzfpy7nz5yqcnygrfdej82um5wf5k2uckyypwa3eyt44h6txtxquqh7lz5djge4afgfjn7k4rgrkuag0jsd5xvxg"},
};

// fields: "TYPE:HEX TYPE:HEX …" of those that are valid.
struct OfferVector {
  const char* title;
  bool valid;
  const char *text, *fields;
};
inline constexpr OfferVector offers[] = {
    {"Minimal bolt12 offer", true,
     "lno1zcss9mk8y3wkklfvevcrszlmu23kfrxh49px20665dqwmn4p72pksese", "22:02eec7245d6b7d2ccb30380bfbe2a3648cd7a942653f5aa340edcea1f283686619"},
    {"with description (but no amount)", true,
     "lno1pgx9getnwss8vetrw3hhyuckyypwa3eyt44h6txtxquqh7lz5djge4afgfjn7k4rgrkuag0jsd5xvxg", "10:5465737420766563746f7273 22:02eec7245d6b7d2ccb30380bfbe2a3648cd7a942653f5aa340edcea1f283686619"},
    {"for testnet", true,
     "lno1qgsyxjtl6luzd9t3pr62xr7eemp6awnejusgf6gw45q75vcfqqqqqqq2p32x2um5ypmx2cm5dae8x93pqthvwfzadd7jejes8q9lhc4rvjxd022zv5l44g6qah82ru5rdpnpj", "2:43497fd7f826957108f4a30fd9cec3aeba79972084e90ead01ea330900000000 10:5465737420766563746f7273 22:02eec7245d6b7d2ccb30380bfbe2a3648cd7a942653f5aa340edcea1f283686619"},
    {"for bitcoin (redundant)", true,
     "lno1qgsxlc5vp2m0rvmjcxn2y34wv0m5lyc7sdj7zksgn35dvxgqqqqqqqq2p32x2um5ypmx2cm5dae8x93pqthvwfzadd7jejes8q9lhc4rvjxd022zv5l44g6qah82ru5rdpnpj", "2:6fe28c0ab6f1b372c1a6a246ae63f74f931e8365e15a089c68d6190000000000 10:5465737420766563746f7273 22:02eec7245d6b7d2ccb30380bfbe2a3648cd7a942653f5aa340edcea1f283686619"},
    {"for bitcoin or liquidv1", true,
     "lno1qfqpge38tqmzyrdjj3x2qkdr5y80dlfw56ztq6yd9sme995g3gsxqqm0u2xq4dh3kdevrf4zg6hx8a60jv0gxe0ptgyfc6xkryqqqqqqqq9qc4r9wd6zqan9vd6x7unnzcss9mk8y3wkklfvevcrszlmu23kfrxh49px20665dqwmn4p72pksese", "2:1466275836220db2944ca059a3a10ef6fd2ea684b0688d2c379296888a2060036fe28c0ab6f1b372c1a6a246ae63f74f931e8365e15a089c68d6190000000000 10:5465737420766563746f7273 22:02eec7245d6b7d2ccb30380bfbe2a3648cd7a942653f5aa340edcea1f283686619"},
    {"with metadata", true,
     "lno1qsgqqqqqqqqqqqqqqqqqqqqqqqqqqzsv23jhxapqwejkxar0wfe3vggzamrjghtt05kvkvpcp0a79gmy3nt6jsn98ad2xs8de6sl9qmgvcvs", "4:00000000000000000000000000000000 10:5465737420766563746f7273 22:02eec7245d6b7d2ccb30380bfbe2a3648cd7a942653f5aa340edcea1f283686619"},
    {"with amount", true,
     "lno1pqpzwyq2p32x2um5ypmx2cm5dae8x93pqthvwfzadd7jejes8q9lhc4rvjxd022zv5l44g6qah82ru5rdpnpj", "8:2710 10:5465737420766563746f7273 22:02eec7245d6b7d2ccb30380bfbe2a3648cd7a942653f5aa340edcea1f283686619"},
    {"with currency", true,
     "lno1qcp4256ypqpzwyq2p32x2um5ypmx2cm5dae8x93pqthvwfzadd7jejes8q9lhc4rvjxd022zv5l44g6qah82ru5rdpnpj", "6:555344 8:2710 10:5465737420766563746f7273 22:02eec7245d6b7d2ccb30380bfbe2a3648cd7a942653f5aa340edcea1f283686619"},
    {"with expiry", true,
     "lno1pgx9getnwss8vetrw3hhyucwq3ay997czcss9mk8y3wkklfvevcrszlmu23kfrxh49px20665dqwmn4p72pksese", "10:5465737420766563746f7273 14:7a4297d8 22:02eec7245d6b7d2ccb30380bfbe2a3648cd7a942653f5aa340edcea1f283686619"},
    {"with issuer", true,
     "lno1pgx9getnwss8vetrw3hhyucjy358garswvaz7tmzdak8gvfj9ehhyeeqgf85c4p3xgsxjmnyw4ehgunfv4e3vggzamrjghtt05kvkvpcp0a79gmy3nt6jsn98ad2xs8de6sl9qmgvcvs", "10:5465737420766563746f7273 18:68747470733a2f2f626f6c7431322e6f726720424f4c54313220696e6475737472696573 22:02eec7245d6b7d2ccb30380bfbe2a3648cd7a942653f5aa340edcea1f283686619"},
    {"with quantity", true,
     "lno1pgx9getnwss8vetrw3hhyuc5qyz3vggzamrjghtt05kvkvpcp0a79gmy3nt6jsn98ad2xs8de6sl9qmgvcvs", "10:5465737420766563746f7273 20:05 22:02eec7245d6b7d2ccb30380bfbe2a3648cd7a942653f5aa340edcea1f283686619"},
    {"with unlimited (or unknown) quantity", true,
     "lno1pgx9getnwss8vetrw3hhyuc5qqtzzqhwcuj966ma9n9nqwqtl032xeyv6755yeflt235pmww58egx6rxry", "10:5465737420766563746f7273 20: 22:02eec7245d6b7d2ccb30380bfbe2a3648cd7a942653f5aa340edcea1f283686619"},
    {"with single quantity (weird but valid)", true,
     "lno1pgx9getnwss8vetrw3hhyuc5qyq3vggzamrjghtt05kvkvpcp0a79gmy3nt6jsn98ad2xs8de6sl9qmgvcvs", "10:5465737420766563746f7273 20:01 22:02eec7245d6b7d2ccb30380bfbe2a3648cd7a942653f5aa340edcea1f283686619"},
    {"with feature", true,
     "lno1pgx9getnwss8vetrw3hhyucvp5yqqqqqqqqqqqqqqqqqqqqkyypwa3eyt44h6txtxquqh7lz5djge4afgfjn7k4rgrkuag0jsd5xvxg", "10:5465737420766563746f7273 12:08000000000000000000000000 22:02eec7245d6b7d2ccb30380bfbe2a3648cd7a942653f5aa340edcea1f283686619"},
    {"with blinded path via Bob (0x424242...), path_key 020202...", true,
     "lno1pgx9getnwss8vetrw3hhyucs5ypjgef743p5fzqq9nqxh0ah7y87rzv3ud0eleps9kl2d5348hq2k8qzqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgqpqqqqqqqqqqqqqqqqqqqqqqqqqqqzqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqqzq3zyg3zyg3zyg3vggzamrjghtt05kvkvpcp0a79gmy3nt6jsn98ad2xs8de6sl9qmgvcvs", "10:5465737420766563746f7273 16:0324653eac434488002cc06bbfb7f10fe18991e35f9fe4302dbea6d2353dc0ab1c0202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020200100000000000000000000000000000000002020202020202020202020202020202020202020202020202020202020202020200081111111111111111 22:02eec7245d6b7d2ccb30380bfbe2a3648cd7a942653f5aa340edcea1f283686619"},
    {"same, with blinded path first_node_id using sciddir", true,
     "lno1pgx9getnwss8vetrw3hhyucs3yqqqqqqqqqqqqp2qgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqqyqqqqqqqqqqqqqqqqqqqqqqqqqqqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqqgzyg3zyg3zyg3z93pqthvwfzadd7jejes8q9lhc4rvjxd022zv5l44g6qah82ru5rdpnpj", "10:5465737420766563746f7273 16:00000000000000002a0202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020200100000000000000000000000000000000002020202020202020202020202020202020202020202020202020202020202020200081111111111111111 22:02eec7245d6b7d2ccb30380bfbe2a3648cd7a942653f5aa340edcea1f283686619"},
    {"with no issuer_id and blinded path via Bob (0x424242...), path_key 020202...", true,
     "lno1pgx9getnwss8vetrw3hhyucs5ypjgef743p5fzqq9nqxh0ah7y87rzv3ud0eleps9kl2d5348hq2k8qzqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgqpqqqqqqqqqqqqqqqqqqqqqqqqqqqzqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqqzq3zyg3zyg3zygs", "10:5465737420766563746f7273 16:0324653eac434488002cc06bbfb7f10fe18991e35f9fe4302dbea6d2353dc0ab1c0202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020200100000000000000000000000000000000002020202020202020202020202020202020202020202020202020202020202020200081111111111111111"},
    {"... and with second blinded path via 1x2x3 (direction 1), path_key 020202...", true,
     "lno1pgx9getnwss8vetrw3hhyucsl5qj5qeyv5l2cs6y3qqzesrth7mlzrlp3xg7xhulusczm04x6g6nms9trspqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqqsqqqqqqqqqqqqqqqqqqqqqqqqqqpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqsqpqg3zyg3zyg3zygpqqqqzqqqqgqqxqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqqgqqqqqqqqqqqqqqqqqqqqqqqqqqqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgqqsg3zyg3zyg3zygtzzqhwcuj966ma9n9nqwqtl032xeyv6755yeflt235pmww58egx6rxry", "10:5465737420766563746f7273 16:0324653eac434488002cc06bbfb7f10fe18991e35f9fe4302dbea6d2353dc0ab1c02020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202001000000000000000000000000000000000020202020202020202020202020202020202020202020202020202020202020202000811111111111111110100000100000200030202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020200100000000000000000000000000000000002020202020202020202020202020202020202020202020202020202020202020200082222222222222222 22:02eec7245d6b7d2ccb30380bfbe2a3648cd7a942653f5aa340edcea1f283686619"},
    {"unknown odd field", true,
     "lno1pgx9getnwss8vetrw3hhyuckyypwa3eyt44h6txtxquqh7lz5djge4afgfjn7k4rgrkuag0jsd5xvxfppf5x2mrvdamk7unvvs", "10:5465737420766563746f7273 22:02eec7245d6b7d2ccb30380bfbe2a3648cd7a942653f5aa340edcea1f283686619 33:68656c6c6f776f726c64"},
    {"unknown odd experimental field", true,
     "lno1pgx9getnwss8vetrw3hhyuckyypwa3eyt44h6txtxquqh7lz5djge4afgfjn7k4rgrkuag0jsd5xvx078wdv5gg2dpjkcmr0wahhymry", "10:5465737420766563746f7273 22:02eec7245d6b7d2ccb30380bfbe2a3648cd7a942653f5aa340edcea1f283686619 1000000033:68656c6c6f776f726c64"},
    {"Malformed: fields out of order", false,
     "lno1zcssyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszpgz5znzfgdzs", ""},
    {"Malformed: unknown even TLV type 78", false,
     "lno1pgz5znzfgdz3vggzqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpysgr0u2xq4dh3kdevrf4zg6hx8a60jv0gxe0ptgyfc6xkryqqqqqqqq", ""},
    {"Malformed: empty", false,
     "lno1", ""},
    {"Malformed: truncated at type", false,
     "lno1pg", ""},
    {"Malformed: truncated in length", false,
     "lno1pt7s", ""},
    {"Malformed: truncated after length", false,
     "lno1pgpq", ""},
    {"Malformed: truncated in description", false,
     "lno1pgpyz", ""},
    {"Malformed: invalid offer_chains length", false,
     "lno1qgqszzs9g9xyjs69zcssyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqsz", ""},
    {"Malformed: truncated currency UTF-8", false,
     "lno1qcqcqzs9g9xyjs69zcssyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqsz", ""},
    {"Malformed: invalid currency UTF-8", false,
     "lno1qcplllhapqpq86q2q4qkc6trv5tzzq6muh550qsfva9fdes0ruph7ctk2s8aqq06r4jxj3msc448wzwy9s", ""},
    {"Malformed: truncated description UTF-8", false,
     "lno1pgqcq93pqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqy", ""},
    {"Malformed: invalid description UTF-8", false,
     "lno1pgpgqsgkyypqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqs", ""},
    {"Malformed: truncated offer_paths", false,
     "lno1pgz5znzfgdz3qqgpzcssyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqsz", ""},
    {"Malformed: zero num_hops in blinded_path", false,
     "lno1pgz5znzfgdz3qqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqsqzcssyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqsz", ""},
    {"Malformed: truncated onionmsg_hop in blinded_path", false,
     "lno1pgz5znzfgdz3qqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqspqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqgkyypqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqs", ""},
    {"Malformed: bad first_node_id in blinded_path", false,
     "lno1pgz5znzfgdz3qqcrqvpsxqcrqvpsxqcrqvpsxqcrqvpsxqcrqvpsxqcrqvpsxqcrqvpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqspqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqgqzcssyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqsz", ""},
    {"Malformed: bad path_key in blinded_path", false,
     "lno1pgz5znzfgdz3qqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpsxqcrqvpsxqcrqvpsxqcrqvpsxqcrqvpsxqcrqvpsxqcrqvpsxqcpqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqgqzcssyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqsz", ""},
    {"Malformed: bad blinded_node_id in onionmsg_hop", false,
     "lno1pgz5znzfgdz3qqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqspqvpsxqcrqvpsxqcrqvpsxqcrqvpsxqcrqvpsxqcrqvpsxqcrqvpsxqgqzcssyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqsz", ""},
    {"Malformed: truncated issuer UTF-8", false,
     "lno1pgz5znzfgdz3yqvqzcssyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqsz", ""},
    {"Malformed: invalid issuer UTF-8", false,
     "lno1pgz5znzfgdz3yq5qgytzzqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqg", ""},
    {"Malformed: invalid offer_issuer_id", false,
     "lno1pgz5znzfgdz3vggzqvpsxqcrqvpsxqcrqvpsxqcrqvpsxqcrqvpsxqcrqvpsxqcrqvps", ""},
    {"Contains type >= 80", false,
     "lno1pgz5znzfgdz3vggzqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgp9qgr0u2xq4dh3kdevrf4zg6hx8a60jv0gxe0ptgyfc6xkryqqqqqqqq", ""},
    {"Contains type > 1999999999", false,
     "lno1pgz5znzfgdz3vggzqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgp06ae4jsq9qgr0u2xq4dh3kdevrf4zg6hx8a60jv0gxe0ptgyfc6xkryqqqqqqqq", ""},
    {"Contains unknown even type (1000000002)", false,
     "lno1pgz5znzfgdz3vggzqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgp06wu6egp9qgr0u2xq4dh3kdevrf4zg6hx8a60jv0gxe0ptgyfc6xkryqqqqqqqq", ""},
    {"Contains unknown feature 122", false,
     "lno1pgx9getnwss8vetrw3hhyucvzqzqqqqqqqqqqqqqqqqqqqqqqqqpvggzamrjghtt05kvkvpcp0a79gmy3nt6jsn98ad2xs8de6sl9qmgvcvs", ""},
    {"Missing offer_description, but has offer_amount", false,
     "lno1pqpzwyqkyypwa3eyt44h6txtxquqh7lz5djge4afgfjn7k4rgrkuag0jsd5xvxg", ""},
    {"Missing offer_amount with offer_currency", false,
     "lno1qcp4256ypgx9getnwss8vetrw3hhyuckyypwa3eyt44h6txtxquqh7lz5djge4afgfjn7k4rgrkuag0jsd5xvxg", ""},
    {"Invalid: zero offer_amount", false,
     "lno1pqqq5qqkyyp4he0fg7pqje62jmnq78cr0ashv4q06qql58tyd9rhp3t2wuyugtq", "8: 10: 22:035be5e9478209674a96e60f1f037f6176540fd001fa1d64694770c56a7709c42c"},
    {"Invalid: zero offer_amount with currency", false,
     "lno1qcp4256ypqqq5qqkyyp4he0fg7pqje62jmnq78cr0ashv4q06qql58tyd9rhp3t2wuyugtq", "6:555344 8: 10: 22:035be5e9478209674a96e60f1f037f6176540fd001fa1d64694770c56a7709c42c"},
    {"Missing offer_issuer_id and no offer_path", false,
     "lno1pgx9getnwss8vetrw3hhyuc", ""},
    {"Second offer_path is empty", false,
     "lno1pgx9getnwss8vetrw3hhyucsespjgef743p5fzqq9nqxh0ah7y87rzv3ud0eleps9kl2d5348hq2k8qzqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgqpqqqqqqqqqqqqqqqqqqqqqqqqqqqzqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqqzq3zyg3zyg3zygszqqqqyqqqqsqqvpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqsq", ""},
    {"offer_chains with zero entries", false,
     "lno1qgqpvggrt0j7j3uzp9n549hxpu0sxlmpwe2ql5qplgwkg628wrzk5acfcskq", ""},
    {"Bech32 padding exceeds 4-bit limit", false,
     "lno1zcss9mk8y3wkklfvevcrszlmu23kfrxh49px20665dqwmn4p72pkseseq", ""},
};

// stream: the fields in hex, one after the other. digest, signature: of the last one only.
struct SignatureVector {
  const char *title, *stream, *root, *digest, *signature;
};
inline constexpr SignatureVector signatures[] = {
    {"Simple n1 test, tlv1 = 1000",
     "010203e8",
     "b013756c8fee86503a0b4abdab4cddeb1af5d344ca6fc2fa8b6c08938caa6f93", "", ""},
    {"n1 test, tlv1 = 1000, tlv2 = 1x2x3",
     "010203e802080000010000020003",
     "c3774abbf4815aa54ccaa026bff6581f01f3be5fe814c620a252534f434bc0d1", "", ""},
    {"n1 test, tlv1 = 1000, tlv2 = 1x2x3, tlv3 = 0266e4598d1d3c415f572a8488830b60f7e744ed9235eb0b1ba93283b315c03518, 1, 2",
     "010203e80208000001000002000303310266e4598d1d3c415f572a8488830b60f7e744ed9235eb0b1ba93283b315c0351800000000000000010000000000000002",
     "ab2e79b1283b0b31e0b035258de23782df6b89a38cfa7237bde69aed1a658c5d", "", ""},
    {"invoice_request test: offer_issuer_id = Alice (privkey 0x414141...), offer_description = 'A Mathematical Treatise', offer_amount = 100, offer_currency = 'USD', invreq_payer_id = Bob (privkey 0x424242...), invreq_metadata = 0x0000000000000000",
     "0008000000000000000006035553440801640a1741204d617468656d61746963616c205472656174697365162102eec7245d6b7d2ccb30380bfbe2a3648cd7a942653f5aa340edcea1f28368661958210324653eac434488002cc06bbfb7f10fe18991e35f9fe4302dbea6d2353dc0ab1c",
     "608407c18ad9a94d9ea2bcdbe170b6c20c462a7833a197621c916f78cf18e624", "aefe3aa88a69772c246dcaef75ed3e7566c08ecc4e9f995233526a5651fc34cd", "b8f83ea3288cfd6ea510cdb481472575141e8d8744157f98562d162cc1c472526fdb24befefbdebab4dbb726bbd1b7d8aec057f8fa805187e5950d2bbe0e5642"},
};

// What Core Lightning made: the examples of lightning-fetchinvoice(7), on regtest. The first was asked with the offer's amount and a note, the second with
// 2,000,000 msat for two items.
struct Pair {
  const char *offer, *invoice;
};
inline constexpr Pair core_lightning[] = {
    {"lno1qgsqvgnwgcg35z6ee2h3yczraddm72xrfua9uve2rlrm9deu7xyfzrcgqgn3qzs2ge5hx6pqwdskcefpzcssxwz9sqkjtd8qwnx06lxckvu6g8w8t0ue0zsrfqqygj636s4sw7v6",
     "lni1qqgvzkzz5jrhmdd3c9vy9fy80k6mzq3qqc3xu3s3rg94nj40zfsy866mhu5vxne6tcej5878k2mneuvgjy8ssq38zq9q53nfwd5zqumpd3jjz93pqvuytqpdyk6wqaxvl47d3vee5swuwklej79qxjqqg394r4ptqaue55pqqc3xu3s3rg94nj40zfsy866mhu5vxne6tcej5878k2mneuvgjy84gqzcyyp42ffg9nkhcueu6kc4jn5lg3uuk8lfmndnss06vzjqwvurqsntcwjez32xsctwddejqen0wgs8g6r9ypnxjumgyxsfsqecgkqz6fd5up6veltumzennfqacadln9u2qdyqq3zt282zkpmengpkvxnpdu03ar9whpjxpdm8h4mmupwhpakk2fs9v98vldy8sk8pkrgpqwangftwzws04n6v2m6efg7zcrcuzsvg9xrmzqxcjzw74rrnz7dpsqpjuz7ysfuk9lf8u85rw2ple0sl3yyp2m4cpaqdnls4dckqxt4xqkndjtf9pnwxp8m8rqe6hc553w4ggnyz5gwqqqqqqqqqqqqqqqzsqqqqqqqqqqqqr5jt9hav2gqqqqqq5szx097xsz5zpn28tn873v8zyrc375t4gul4nv433d96rrgnc2ddz4808sqw9h3t4gpzwy9wqvpqqq9syypns3vq95jmfcr5en7hek9n8xjpm36mlxtc5q6gqpzyk5w59vrhnxhsgpxwlgpjhacn9skeg7mkzjwx08v42syptjkcfdd0nvz9ya08x3m32qnvtwn9jxrvmr3m3u3rya3y0dfy9n2a55ssg2wgdwcymrdfszwn"},
    {"lno1qgsqvgnwgcg35z6ee2h3yczraddm72xrfua9uve2rlrm9deu7xyfzrcgqv85ysq2qepk7enxv4j3gqg2zcssxwz9sqkjtd8qwnx06lxckvu6g8w8t0ue0zsrfqqygj636s4sw7v6",
     "lni1qqgvzkzz5jrhmddnc9vy9fy80k6mxq3qqc3xu3s3rg94nj40zfsy866mhu5vxne6tcej5878k2mneuvgjy8ssqc0gfqq5pjrdanxvet9zsqs593pqvuytqpdyk6wqaxvl47d3vee5swuwklej79qxjqqg394r4ptqaue55pqqc3xu3s3rg94nj40zfsy866mhu5vxne6tcej5878k2mneuvgjy84yqc7sjq9gqzkqyp9sggzcr754vky982k0cmpwnpqk8njsr8j7e9vdsruqwa68rxzc5q7a0t6pxqr8pzcqtf9kns8fn8a0nvtxwdyrhr4h7vh3gp5sqzyfdgag2c80xdq82p4fvkgpvcgkaplmktsw9q62qnna0rkcu4lw6cppupr8f9wgxj5qypczqqqfejyzkkdhwpalkgthcnhj5cd82laq4kculcd7kgqxn49g7gqxfzw6d7ye4jj6u6gp2exjfvj8cn0msn06jz3r7p5llpghv0e98v7tq874l8ta8pkc0mfyw52eraqdl668j3pcqqqqqqqqqqqqqqq2qqqqqqqqqqqqqwjfvkl43fqqqqqqzjqgeuhc6q2sgqtq8zvexeplf5duep36nw0drf2uxt8kqm67g4s58gc8sd40dfgl24qx85yszhqxqsqqzczzqecgkqz6fd5up6veltumzennfqacadln9u2qdyqq3zt282zkpmentcyq2am9wyysj03rlaxsn4tyktrl28k3vv0l0mfjc3s23tqa4qz7a4z3ae3phv55r33hfrd74zd9ekes6npelw3fay7h2wmw6tt0t60mrvq"},
};

}  // namespace hh::lightning::vectors
