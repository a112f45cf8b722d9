-- SPDX-License-Identifier: LGPL-3.0-or-later
--
-- Wireshark and tshark: direct access to files of daxsmbd, as docs/protocol-pmem.md describes it.
--
--   tshark -X lua_script:daxsmb-pmem.lua -r capture.pcapng -Y daxsmb
--
-- Wireshark's own dissectors find SMB2 in TCP (on other ports than 445: -d tcp.port==PORT,nbss) and, without being told,
-- in SMB Direct on iWARP. This one runs behind them. It takes from them where SMB2 messages and RDMAP segments begin,
-- and reads what is in there itself:
--
--   the create context and the FSCTLs MAP, COMMIT and UNMAP, requests and responses
--   RDMA Writes and RDMA Read Requests whose tag a MAP in the same capture has given: which grant, and where in the file
--
-- Its filters all begin with "daxsmb."; -G fields lists them.

local daxsmb = Proto("daxsmb", "Direct access to files (daxsmb)")

local ACCESS = {[1] = "READ", [2] = "WRITE", [3] = "READ and WRITE"}
local DURABILITY = {[0] = "not known", "visible", "flushed", "persistent"}
local GUARD = {[0] = "none", "fanotify", "lease", "exclusive"}
local OPERATION = {[0] = "context", "MAP", "COMMIT", "UNMAP", "Write", "Read"}
local STATUS = {
	[0x00000000] = "STATUS_SUCCESS",
	[0xC000000D] = "STATUS_INVALID_PARAMETER",
	[0xC0000010] = "STATUS_INVALID_DEVICE_REQUEST",
	[0xC0000011] = "STATUS_END_OF_FILE",
	[0xC000001F] = "STATUS_INVALID_VIEW_SIZE",
	[0xC0000022] = "STATUS_ACCESS_DENIED",
	[0xC0000023] = "STATUS_BUFFER_TOO_SMALL",
	[0xC0000043] = "STATUS_SHARING_VIOLATION",
	[0xC0000044] = "STATUS_QUOTA_EXCEEDED",
	[0xC0000055] = "STATUS_LOCK_NOT_GRANTED",
	[0xC0000059] = "STATUS_REVISION_MISMATCH",
	[0xC000007F] = "STATUS_DISK_FULL",
	[0xC000009A] = "STATUS_INSUFFICIENT_RESOURCES",
	[0xC00000A2] = "STATUS_MEDIA_WRITE_PROTECTED",
	[0xC00000BA] = "STATUS_FILE_IS_A_DIRECTORY",
	[0xC00000BB] = "STATUS_NOT_SUPPORTED",
	[0xC00000C9] = "STATUS_NETWORK_NAME_DELETED",
	[0xC00000E9] = "STATUS_UNEXPECTED_IO_ERROR",
	[0xC000011F] = "STATUS_TOO_MANY_OPENED_FILES",
	[0xC0000120] = "STATUS_CANCELLED",
	[0xC0000128] = "STATUS_FILE_CLOSED",
	[0xC0000140] = "STATUS_INVALID_CONNECTION",
	[0xC0000203] = "STATUS_USER_SESSION_DELETED",
	[0xC0000206] = "STATUS_INVALID_BUFFER_SIZE",
	[0xC0000225] = "STATUS_NOT_FOUND",
	[0xC0000361] = "STATUS_ACCESS_DISABLED_BY_POLICY_DEFAULT",
	[0xC0000364] = "STATUS_ACCESS_DISABLED_BY_POLICY_OTHER",
	[0xC000042E] = "STATUS_CANNOT_GRANT_REQUESTED_OPLOCK",
}

local f = {
	operation = ProtoField.uint8("daxsmb.operation", "Operation", base.DEC, OPERATION),
	response = ProtoField.bool("daxsmb.response", "Response"),
	status = ProtoField.uint32("daxsmb.status", "Status", base.HEX, STATUS),
	version = ProtoField.uint16("daxsmb.version", "Version"),
	access = ProtoField.uint32("daxsmb.access", "Access", base.DEC, ACCESS),
	offset = ProtoField.uint64("daxsmb.offset", "Offset in the file"),
	length = ProtoField.uint64("daxsmb.length", "Length"),
	grant_id = ProtoField.uint64("daxsmb.grant_id", "Grant", base.HEX),
	durability = ProtoField.uint8("daxsmb.durability", "Durability", base.DEC, DURABILITY),
	guard = ProtoField.uint8("daxsmb.guard", "Guard", base.DEC, GUARD),
	commit_methods = ProtoField.uint32("daxsmb.commit_methods", "Commit methods", base.HEX),
	by_read = ProtoField.bool("daxsmb.commit_methods.read_after_write", "Read after Write", 32, nil, 1),
	by_fsctl = ProtoField.bool("daxsmb.commit_methods.fsctl", "FSCTL", 32, nil, 2),
	by_flush = ProtoField.bool("daxsmb.commit_methods.rdma_flush", "RDMA FLUSH", 32, nil, 4),
	revoke_timeout = ProtoField.uint32("daxsmb.revoke_timeout", "Revoke timeout in ms"),
	granularity = ProtoField.uint32("daxsmb.granularity", "Granularity"),
	max_grants = ProtoField.uint32("daxsmb.max_grants", "Grants of a session"),
	max_length = ProtoField.uint64("daxsmb.max_length", "Longest grant"),
	descriptor_count = ProtoField.uint16("daxsmb.descriptor_count", "Descriptors"),
	descriptor = ProtoField.none("daxsmb.descriptor", "Descriptor"),
	descriptor_offset = ProtoField.uint64("daxsmb.descriptor.offset", "Offset", base.HEX),
	descriptor_token = ProtoField.uint32("daxsmb.descriptor.token", "Token", base.HEX),
	descriptor_length = ProtoField.uint32("daxsmb.descriptor.length", "Length"),
	range_count = ProtoField.uint16("daxsmb.range_count", "Ranges"),
	range = ProtoField.none("daxsmb.range", "Range"),
	range_offset = ProtoField.uint64("daxsmb.range.offset", "Offset in the file"),
	range_length = ProtoField.uint64("daxsmb.range.length", "Length"),
	request_in = ProtoField.framenum("daxsmb.request_in", "Request in frame", base.NONE, frametype.REQUEST),
	mapped_in = ProtoField.framenum("daxsmb.mapped_in", "Mapped in frame", base.NONE),
	rdma_tag = ProtoField.uint32("daxsmb.rdma.tag", "Steering tag", base.HEX),
	rdma_offset = ProtoField.uint64("daxsmb.rdma.offset", "Offset in the file"),
	rdma_length = ProtoField.uint32("daxsmb.rdma.length", "Length"),
}
daxsmb.fields = f

local e = {
	short = ProtoExpert.new("daxsmb.short", "It is shorter than it has to be", expert.group.MALFORMED, expert.severity.ERROR),
	other = ProtoExpert.new("daxsmb.other_version", "A version that is not known here", expert.group.UNDECODED,
		expert.severity.WARN),
	beyond = ProtoExpert.new("daxsmb.beyond", "It goes beyond the end of the grant", expert.group.PROTOCOL,
		expert.severity.WARN),
}
daxsmb.experts = e

-- A row is offset, size, field. many: of what follows at the end, of 16 bytes each, how many there are.
local CONTEXT = {
	request = {size = 8, {0, 2, f.version}, {4, 4, f.access}},
	response = {
		size = 48, {0, 2, f.version}, {2, 1, f.durability}, {3, 1, f.guard}, {4, 4, f.status}, {8, 4, f.access},
		{12, 4, f.commit_methods}, {16, 4, f.granularity}, {20, 4, f.revoke_timeout}, {24, 4, f.max_grants},
		{32, 8, f.max_length},
	},
}
local FSCTL = {
	[0x142004] = {
		operation = 1,
		request = {size = 24, {0, 2, f.version}, {4, 4, f.access}, {8, 8, f.offset}, {16, 8, f.length}},
		response = {
			size = 48, {0, 2, f.version}, {2, 1, f.durability}, {3, 1, f.guard}, {4, 4, f.commit_methods},
			{8, 8, f.grant_id}, {16, 8, f.offset}, {24, 8, f.length}, {32, 4, f.access}, {36, 4, f.revoke_timeout},
			{40, 2, f.descriptor_count},
			many = {
				count = 40, field = f.descriptor, {0, 8, f.descriptor_offset}, {8, 4, f.descriptor_token},
				{12, 4, f.descriptor_length},
			},
		},
	},
	[0x142008] = {
		operation = 2,
		request = {
			size = 16, {0, 2, f.version}, {2, 2, f.range_count}, {8, 8, f.grant_id},
			many = {count = 2, field = f.range, {0, 8, f.range_offset}, {8, 8, f.range_length}},
		},
		response = {size = 8, {0, 2, f.version}, {2, 1, f.durability}},
	},
	[0x14200C] = {operation = 3, request = {size = 16, {0, 2, f.version}, {8, 8, f.grant_id}}},
}
-- 7c54b6a1-93de-4d07-8f0b-2e6a51d9c34e, [MS-DTYP] 2.3.4.2.
local CONTEXT_NAME = "A1B6547CDE93074D8F0B2E6A51D9C34E"
local VERSION, ROW, MAP = 1, 16, 0x142004

local smb2_command, rdmap_opcode, stream = Field.new("smb2.cmd"), Field.new("iwarp_rdma.opcode"), Field.new("tcp.stream")

local requests -- by connection and message id: what FSCTL it was, and its frame
local tags     -- by connection and steering tag: the descriptors that had it, by frame

function daxsmb.init()
	requests, tags = {}, {}
end

-- [at, at + size) of a piece of bytes, or nil. A piece is a Tvb with the part that may be looked at.
local function cut(piece, at, size)
	if at > piece.size or size > piece.size - at then
		return nil
	end
	return {tvb = piece.tvb, at = piece.at + at, size = size}
end

local function range_of(piece)
	return piece.tvb:range(piece.at, piece.size)
end

local function number(piece, at, size)
	return piece.tvb:range(piece.at + at, size):le_uint()
end

local function connection_of(pinfo)
	local s = stream()
	if s then
		return tostring(s.value)
	end
	local a, b = tostring(pinfo.src), tostring(pinfo.dst)
	return a < b and a .. " " .. b or b .. " " .. a
end

local function add_commit_methods(item, r)
	for _, field in ipairs({f.by_read, f.by_fsctl, f.by_flush}) do
		item:add_le(field, r)
	end
end

local function add_rows(tree, piece, layout)
	for _, row in ipairs(layout) do
		local part = cut(piece, row[1], row[2])
		if part then
			local item = tree:add_le(row[3], range_of(part))
			if row[3] == f.commit_methods then
				add_commit_methods(item, range_of(part))
			end
		end
	end
end

local function add_many(tree, piece, layout)
	for i = 1, number(piece, layout.many.count, 2) do
		local part = cut(piece, layout.size + (i - 1) * ROW, ROW)
		if not part then
			tree:add_proto_expert_info(e.short)
			return
		end
		add_rows(tree:add(layout.many.field, range_of(part)):append_text(" " .. i), part, layout.many)
	end
end

-- True if all of it was there, and of the version that is known here.
local function add_structure(tree, piece, layout)
	local first = cut(piece, 0, 2)
	if first and number(first, 0, 2) ~= VERSION then
		tree:add_le(f.version, range_of(first))
		tree:add_proto_expert_info(e.other)
		return false
	end
	add_rows(tree, piece, layout)
	if piece.size < layout.size then
		tree:add_proto_expert_info(e.short)
		return false
	end
	if layout.many then
		add_many(tree, piece, layout)
	end
	return true
end

local function name_of(status)
	return STATUS[status] or string.format("0x%08x", status)
end

local function start(frame, operation, response, piece)
	local title = OPERATION[operation] .. (operation > 3 and "" or response and " response" or " request")
	local tree = frame.tree:add(daxsmb, range_of(piece), "Direct access, " .. title)
	tree:add(f.operation, operation):set_generated()
	if operation <= 3 then
		tree:add(f.response, response):set_generated()
	end
	table.insert(frame.said, title)
	return tree
end

local function say(frame, ...)
	frame.said[#frame.said] = frame.said[#frame.said] .. string.format(...)
end

local function span(piece, offset, length)
	return string.format(" %s bytes at %s", piece.tvb:range(piece.at + length, 8):le_uint64(),
		piece.tvb:range(piece.at + offset, 8):le_uint64())
end

-- ---- create context ----

local function dissect_context(frame, piece, response)
	local layout = response and CONTEXT.response or CONTEXT.request
	local tree = start(frame, 0, response, piece)
	if add_structure(tree, piece, layout) and response then
		say(frame, " %s, level %s, guard %s", name_of(number(piece, 4, 4)), DURABILITY[number(piece, 2, 1)] or "?",
			GUARD[number(piece, 3, 1)] or "?")
	end
end

-- [MS-SMB2] 2.2.13.2: Next, NameOffset, NameLength, Reserved, DataOffset, DataLength; offsets from the context's begin.
local function dissect_contexts(frame, list, response)
	while list and list.size >= 16 do
		local next, name, data = number(list, 0, 4), nil, nil
		name = cut(list, number(list, 4, 2), number(list, 6, 2))
		data = cut(list, number(list, 10, 2), number(list, 12, 4))
		if name and data and data.size > 0 and name.size == 16 and range_of(name):bytes():tohex() == CONTEXT_NAME then
			dissect_context(frame, data, response)
		end
		if next < 16 then
			return
		end
		list = next < list.size and cut(list, next, list.size - next) or nil
	end
end

local function dissect_create(frame, message, response)
	local at = response and 64 + 80 or 64 + 48
	if cut(message, at, 8) then
		dissect_contexts(frame, cut(message, number(message, at, 4), number(message, at + 4, 4)), response)
	end
end

-- ---- FSCTLs ----

-- What RDMA with the tags of a MAP's reply reaches.
local function learn(frame, piece)
	local sum = UInt64(0)
	for i = 1, number(piece, 40, 2) do
		local part = cut(piece, 48 + (i - 1) * ROW, ROW)
		if not part then
			return
		end
		local key = frame.connection .. " " .. number(part, 8, 4)
		tags[key] = tags[key] or {}
		table.insert(tags[key], {
			frame = frame.number, grant = piece.tvb:range(piece.at + 8, 8):le_uint64(),
			base = piece.tvb:range(part.at, 8):le_uint64(), length = number(part, 12, 4),
			offset = piece.tvb:range(piece.at + 16, 8):le_uint64() + sum,
		})
		sum = sum + UInt64(number(part, 12, 4))
	end
end

local function dissect_request(frame, message, key)
	local code = cut(message, 64, 56) and number(message, 68, 4)
	local fsctl = code and FSCTL[code]
	if not fsctl then
		return
	end
	if not frame.visited then
		requests[key] = {code = code, frame = frame.number}
	end
	local input = cut(message, number(message, 88, 4), number(message, 92, 4))
	local tree = start(frame, fsctl.operation, false, input and input.size > 0 and input or message)
	if not input then
		tree:add_proto_expert_info(e.short)
	elseif add_structure(tree, input, fsctl.request) and code == MAP then
		say(frame, "%s, %s", span(input, 8, 16), ACCESS[number(input, 4, 4)] or "?")
	elseif input.size >= 16 then
		say(frame, " of grant 0x%s", input.tvb:range(input.at + 8, 8):le_uint64():tohex())
	end
end

local function dissect_output(frame, tree, message, code)
	local layout, output = FSCTL[code].response, cut(message, number(message, 96, 4), number(message, 100, 4))
	if not layout then
		return
	elseif not output then
		tree:add_proto_expert_info(e.short)
	elseif add_structure(tree, output, layout) and code == MAP then
		say(frame, "%s, grant 0x%s, level %s, guard %s", span(output, 16, 24),
			output.tvb:range(output.at + 8, 8):le_uint64():tohex(), DURABILITY[number(output, 2, 1)] or "?",
			GUARD[number(output, 3, 1)] or "?")
		if not frame.visited then
			learn(frame, output)
		end
	end
end

-- A response that is an error does not say to which FSCTL it belongs: its request does.
local function dissect_response(frame, message, key)
	local status, asked = number(message, 8, 4), requests[key]
	local code = asked and asked.code or status == 0 and cut(message, 64, 48) and number(message, 68, 4)
	if not code or not FSCTL[code] then
		return
	end
	local tree = start(frame, FSCTL[code].operation, true, message)
	tree:add_le(f.status, message.tvb:range(message.at + 8, 4))
	say(frame, " %s", name_of(status))
	if asked then
		tree:add(f.request_in, asked.frame):set_generated()
	end
	if status == 0 and cut(message, 64, 48) then
		dissect_output(frame, tree, message, code)
	end
end

-- ---- the carriers ----

local STATUS_PENDING, CREATE, IOCTL = 0x00000103, 5, 11

-- at: of Command, 12 bytes into the header. Of a compound each message ends where the next one begins.
local function dissect_message(frame, tvb, at, command)
	local message = at >= 12 and cut({tvb = tvb, at = 0, size = tvb:len()}, at - 12, tvb:len() - (at - 12))
	if not message or message.size < 64 then
		return
	end
	local next = number(message, 20, 4)
	message = next >= 64 and cut(message, 0, next) or message
	local response = number(message, 16, 4) % 2 == 1
	if command == CREATE then
		dissect_create(frame, message, response)
	elseif number(message, 8, 4) ~= STATUS_PENDING or not response then
		local key = frame.connection .. " " .. message.tvb:range(message.at + 24, 8):le_uint64():tohex()
		local dissect = response and dissect_response or dissect_request
		dissect(frame, message, key)
	end
end

-- The descriptor that the tag belonged to at that time.
local function find(frame, tag)
	local found
	for _, d in ipairs(tags[frame.connection .. " " .. tag] or {}) do
		found = d.frame <= frame.number and d or found
	end
	return found
end

local function add_access(frame, piece, operation, tag, to, length)
	local d = find(frame, tag:uint())
	if not d then
		return
	end
	local inside = to:uint64() - d.base
	local tree = start(frame, operation, false, piece)
	tree:add(f.rdma_tag, tag)
	tree:add(f.grant_id, d.grant):set_generated()
	tree:add(f.rdma_offset, d.offset + inside):set_generated()
	tree:add(f.rdma_length, length):set_generated()
	tree:add(f.mapped_in, d.frame):set_generated()
	if UInt64(d.length) < inside or UInt64(d.length) - inside < UInt64(length) then
		tree:add_proto_expert_info(e.beyond)
	end
	say(frame, " %u bytes at %s of grant 0x%s", length, d.offset + inside, d.grant:tohex())
end

local WRITE, READ_REQUEST = 0, 1

-- at: of RDMAP's control byte. Before it ULPDU_Length (RFC 5044 section 4.1) and DDP's control byte; behind it the rest of a
-- tagged or an untagged DDP header (RFC 5041 section 4.2, 4.3) and, for a Read Request, that of RFC 5040 section 4.4.
local function dissect_segment(frame, tvb, at, opcode)
	local all = {tvb = tvb, at = 0, size = tvb:len()}
	local piece = at >= 3 and cut(all, at - 3, opcode == WRITE and 16 or 48)
	if not piece then
		return
	end
	local r = range_of(piece)
	if opcode == WRITE and r(0, 2):uint() >= 14 then
		add_access(frame, piece, 4, r(4, 4), r(8, 8), r(0, 2):uint() - 14)
	elseif opcode == READ_REQUEST then
		add_access(frame, piece, 5, r(36, 4), r(40, 8), r(32, 4):uint())
	end
end

function daxsmb.dissector(_, pinfo, tree)
	local frame = {
		tree = tree, said = {}, number = pinfo.number, visited = pinfo.visited, connection = connection_of(pinfo),
	}
	for _, field in ipairs({smb2_command()}) do
		if field.source and (field.value == CREATE or field.value == IOCTL) then
			dissect_message(frame, field.source, field.offset, field.value)
		end
	end
	for _, field in ipairs({rdmap_opcode()}) do
		if field.source and (field.value == WRITE or field.value == READ_REQUEST) then
			dissect_segment(frame, field.source, field.offset, field.value)
		end
	end
	if #frame.said > 0 then
		pinfo.cols.info:append(" [" .. table.concat(frame.said, "; ") .. "]")
	end
end

register_postdissector(daxsmb)
